-- Creates the schema of the version table where it is missing. No parameters.
create schema if not exists sync
