-- Whether a sweep of what this erases begins at once, and not a day later.
ALTER TABLE erased
    ADD COLUMN IF NOT EXISTS at_once Bool DEFAULT false;
