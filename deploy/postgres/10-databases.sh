#!/bin/bash
# Run once by the database's container, on an empty volume: one database per service, two roles each.
# The owner migrates; the application reads and writes rows, and can change no table.
set -euo pipefail

for service in enrollment payment certification; do
    name=${service^^}
    owner_password="${name}_OWNER_PASSWORD" app_password="${name}_APP_PASSWORD"
    # psql reads the passwords from its environment, which no list of processes shows, and quotes them.
    OWNER_PASSWORD="${!owner_password}" APP_PASSWORD="${!app_password}" \
        psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set database="rostrum_$service" --set owner="${service}_owner" --set app="${service}_app" <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password';
CREATE ROLE :"app" LOGIN PASSWORD :'app_password';
CREATE DATABASE :"database" OWNER :"owner";
-- Nobody else's application, and no temporary tables.
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"app";
\connect :"database"
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO :"app";
SQL
done
