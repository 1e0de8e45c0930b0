"""Diagnosis decides the category and the track of a client, by the policy of the client's municipality.

It invites clients to a diagnosis, keeps what an assessment found, lets the policy make a proposal of it with a receipt
that says why, and waits until a named professional confirms the proposal or overrides it with a reason. It keeps
exemptions and their ends, and indications asked of UWV.

It hears who is registered (intake), who was at an information session, whose rest period ended, which conversation or
partner asks for a new diagnosis (routing, partners), and for whom everything stops. It says DiagnosisInvited,
AssessmentCompleted, AssessmentInDoubt, ClientCategorised, IndicationRequested, IndicationDecided, ExemptionGranted,
ExemptionEnded and ReassessmentDue. Facts about health stay here.
"""
