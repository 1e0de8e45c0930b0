from tests.support.seeded.house import VOORSCHOTEN, House, Ready
from tests.support.seeded.valid import of_client, plain, valid

for _operation in ("readFigures", "readTargets", "listClients"):
    plain("reporting", _operation, query={"municipality": VOORSCHOTEN, "on": "2024-01-31"})
for _operation in ("readCaseload", "listHappenings"):
    plain("reporting", _operation, query={"municipality": VOORSCHOTEN, "from": "2023-08-01", "to": "2024-01-31"})
plain("reporting", "listReports")
of_client("reporting", "readTimeline")
plain(
    "reporting", "makeReport",
    body={"municipality": VOORSCHOTEN, "level": "council", "from": "2023-08-01", "to": "2024-01-31"},
)  # fmt: skip


@valid("reporting", "readReport", "readReportPage")
async def _read_report(house: House) -> Ready:
    return Ready({"report_id": await house.report()})
