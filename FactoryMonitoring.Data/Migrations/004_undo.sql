-- What the AppHost has to be asked for if whoever runs the experiment does not live to undo it.
ALTER TABLE experiment_runs ADD COLUMN undo text[] NOT NULL DEFAULT '{}';
