-- Makes the schema of River's tables where a restored dump lacks it.
create schema if not exists river
