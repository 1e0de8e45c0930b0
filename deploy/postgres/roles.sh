#!/bin/sh
# Makes a database per service, and in it an owner (migrations), an application role and a background role.
# Run once by the PostgreSQL image at first start; the passwords come from the environment.
set -eu
for service in intake diagnosis routing partners reporting; do
  psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres <<SQL
CREATE ROLE ${service}_owner LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT PASSWORD '${OWNER_PASSWORD}';
CREATE ROLE ${service}_app LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT PASSWORD '${APP_PASSWORD}';
CREATE ROLE ${service}_background LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT PASSWORD '${BACKGROUND_PASSWORD}';
CREATE DATABASE opstap_${service} OWNER ${service}_owner;
REVOKE ALL ON DATABASE opstap_${service} FROM PUBLIC;
GRANT CONNECT ON DATABASE opstap_${service} TO ${service}_app, ${service}_background;
\connect opstap_${service}
ALTER SCHEMA public OWNER TO ${service}_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ${service}_app, ${service}_background;
SQL
done
