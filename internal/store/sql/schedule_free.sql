-- Gives back the jobs of dead processes, and the lead that one of them had.
-- $1 River's queue
-- Changes a row for each job that is running. Uses
-- river_job_prioritized_fetching_index.
with leader as (delete from river.river_leader)
update river.river_job set state = 'available', scheduled_at = now() where state = 'running' and queue = $1
