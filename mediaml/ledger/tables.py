"""The tables and SQL views of schema version 4; docs/results.md describes the views for people."""

from __future__ import annotations

# Beside these: `model`, `run`, `meta` and `artifact`, which version 1 had, too.
FIRST_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE run (
  id INTEGER PRIMARY KEY, started_at TEXT NOT NULL, finished_at TEXT, header TEXT NOT NULL
);
CREATE TABLE model (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, task TEXT NOT NULL, plugin TEXT NOT NULL,
  distribution TEXT NOT NULL, version TEXT NOT NULL, weights TEXT NOT NULL,
  weights_sha256 TEXT NOT NULL, options TEXT NOT NULL,
  UNIQUE (name, plugin, distribution, version, weights_sha256, options)
);
CREATE TABLE source (
  id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, shown TEXT NOT NULL, name TEXT NOT NULL UNIQUE,
  position INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL,
  kind TEXT, info TEXT
);
CREATE TABLE task (
  source INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
  model INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
  slice INTEGER NOT NULL, frames INTEGER NOT NULL, last INTEGER NOT NULL,
  stage TEXT, error TEXT, message TEXT,
  expected INTEGER, decoded INTEGER NOT NULL, corrupt INTEGER NOT NULL, gaps INTEGER NOT NULL,
  PRIMARY KEY (source, model, slice)
) WITHOUT ROWID;
CREATE TABLE artifact (
  source INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
  kind TEXT NOT NULL, path TEXT NOT NULL UNIQUE, done INTEGER NOT NULL, error TEXT, message TEXT,
  PRIMARY KEY (source, kind)
) WITHOUT ROWID;
"""

# `info` has all facts of a source as JSON; the columns are for people with an SQLite shell. `cut` is the
# highest score (1e-5) that was left out of a task's frames. Scores are in 1e-5, boxes in 1/100 pixel.
# The checksums are those of `integrity`; a source that is changed by hand loses its own. `size` and
# `mtime_ns` of an artifact are those of its file when it was written.
# `outline` and `keypoints` are those of `mediaml.ledger.shapes`.
SECOND_TABLES = """
ALTER TABLE source ADD COLUMN width INTEGER;
ALTER TABLE source ADD COLUMN height INTEGER;
ALTER TABLE source ADD COLUMN duration_s REAL;
ALTER TABLE source ADD COLUMN frame_rate REAL;
ALTER TABLE source ADD COLUMN start_s REAL;
ALTER TABLE task ADD COLUMN cut INTEGER;
ALTER TABLE task ADD COLUMN checksum INTEGER;
ALTER TABLE source ADD COLUMN checksum INTEGER;
ALTER TABLE artifact ADD COLUMN size INTEGER;
ALTER TABLE artifact ADD COLUMN mtime_ns INTEGER;
CREATE TRIGGER source_changed AFTER UPDATE OF path, shown, name, kind, info ON source
  BEGIN UPDATE source SET checksum = NULL WHERE id = NEW.id; END;
CREATE TABLE class (
  model INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
  id INTEGER NOT NULL, name TEXT NOT NULL, checksum INTEGER,
  PRIMARY KEY (model, id)
) WITHOUT ROWID;
CREATE TABLE prediction (
  source INTEGER NOT NULL, model INTEGER NOT NULL, frame INTEGER NOT NULL, slice INTEGER NOT NULL,
  time_s REAL NOT NULL, duration_s REAL NOT NULL, embedding BLOB, picture BLOB, audio_track INTEGER,
  PRIMARY KEY (source, model, frame),
  FOREIGN KEY (source, model, slice) REFERENCES task (source, model, slice) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX prediction_task ON prediction (source, model, slice);
CREATE TABLE label (
  source INTEGER NOT NULL, model INTEGER NOT NULL, frame INTEGER NOT NULL, n INTEGER NOT NULL,
  class INTEGER NOT NULL, score INTEGER NOT NULL,
  PRIMARY KEY (source, model, frame, n),
  FOREIGN KEY (source, model, frame) REFERENCES prediction (source, model, frame) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE detection (
  source INTEGER NOT NULL, model INTEGER NOT NULL, frame INTEGER NOT NULL, n INTEGER NOT NULL,
  class INTEGER NOT NULL, score INTEGER NOT NULL,
  left INTEGER NOT NULL, top INTEGER NOT NULL, right INTEGER NOT NULL, bottom INTEGER NOT NULL,
  track INTEGER, outline BLOB, keypoints BLOB,
  PRIMARY KEY (source, model, frame, n),
  FOREIGN KEY (source, model, frame) REFERENCES prediction (source, model, frame) ON DELETE CASCADE
) WITHOUT ROWID;
"""

# `derived_slice.state` is what a derivation needs to go on with the next slice, as MessagePack. `track`
# numbers detections by object; a detection that belongs to none has no row.
THIRD_TABLES = """
CREATE TABLE derivation (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, options TEXT NOT NULL, version TEXT NOT NULL, checksum INTEGER,
  UNIQUE (kind, options, version)
);
CREATE TABLE derived_slice (
  source INTEGER NOT NULL, model INTEGER NOT NULL, derivation INTEGER NOT NULL REFERENCES derivation (id),
  slice INTEGER NOT NULL, state BLOB NOT NULL, checksum INTEGER,
  PRIMARY KEY (source, model, slice, derivation),
  FOREIGN KEY (source, model, slice) REFERENCES task (source, model, slice) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE track (
  source INTEGER NOT NULL, model INTEGER NOT NULL, frame INTEGER NOT NULL, n INTEGER NOT NULL,
  derivation INTEGER NOT NULL REFERENCES derivation (id), track INTEGER NOT NULL,
  PRIMARY KEY (source, model, frame, n, derivation),
  FOREIGN KEY (source, model, frame, n) REFERENCES detection (source, model, frame, n) ON DELETE CASCADE
) WITHOUT ROWID;
"""

FOURTH_COLUMNS = """
ALTER TABLE prediction ADD COLUMN same_as INTEGER;
"""

# The files of `mediaml.core.picture_file`; `part` is the place of one among those of its task, from 0. Of
# ledgers of older versions pictures are in `prediction`, as PNG. `clip_model` lists the models whose answers
# are for clips of so many frames, not for single ones.
FOURTH_TABLES = """
CREATE TABLE clip_model (
  model INTEGER PRIMARY KEY REFERENCES model (id) ON DELETE CASCADE, frames INTEGER NOT NULL
);
CREATE TABLE picture_file (
  source INTEGER NOT NULL, model INTEGER NOT NULL, slice INTEGER NOT NULL, part INTEGER NOT NULL,
  name TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
  PRIMARY KEY (source, model, slice, part),
  FOREIGN KEY (source, model, slice) REFERENCES task (source, model, slice) ON DELETE CASCADE
) WITHOUT ROWID;
"""

# All that is kept, of every model; thresholds, which a run applies, are up to the query
#  (`WHERE score >= 0.25`). `current` is 1 for the identity of a model that was asked for last
# and for its older versions, which it replaces file by file. `track` is the number that the derivation asked
# for last gave, or where none was asked for, the model itself: two numberings are never mixed. CAST gives a
# column a type, so that a number that comes as text, as from datasette's filters, is compared as a number.
VIEWS = """
CREATE VIEW models AS
  SELECT model.id AS model_id, model.name AS model, model.task, model.plugin, model.distribution,
    model.version, model.weights, model.weights_sha256, model.options,
    asked.id IS NULL OR (model.plugin = asked.plugin AND model.weights_sha256 = asked.weights_sha256
      AND model.options = asked.options) AS current
  FROM model LEFT JOIN meta ON meta.key = 'current ' || model.name
  LEFT JOIN model AS asked ON asked.id = CAST(meta.value AS INTEGER);
CREATE VIEW sources AS
  SELECT id AS source_id, shown AS source, kind, width, height, duration_s, frame_rate, start_s, size
  FROM source ORDER BY position;
CREATE VIEW frames AS
  SELECT source.shown AS source, models.model, frame, time_s, prediction.duration_s, audio_track, same_as,
    model_id, current
  FROM prediction JOIN source ON source.id = prediction.source JOIN models ON model_id = prediction.model;
CREATE VIEW labels AS
  SELECT source.shown AS source, models.model, frame, time_s, class.name AS label,
    CAST(score / 100000.0 AS REAL) AS score,
    n, model_id, current, class.id AS class_id, prediction.duration_s, source.width, source.height
  FROM label JOIN prediction USING (source, model, frame) JOIN source ON source.id = label.source
  JOIN models ON model_id = label.model JOIN class ON class.model = label.model AND class.id = label.class;
CREATE VIEW detections AS
  SELECT source.shown AS source, models.model, detection.frame, time_s, class.name AS label,
    CAST(score / 100000.0 AS REAL) AS score, CAST(left / 100.0 AS REAL) AS left,
    CAST(top / 100.0 AS REAL) AS top, CAST(right / 100.0 AS REAL) AS right,
    CAST(bottom / 100.0 AS REAL) AS bottom,
    CASE WHEN asked.key IS NULL THEN detection.track ELSE track.track END AS track,
    detection.n, model_id, current, class.id AS class_id, prediction.duration_s, source.width, source.height
  FROM detection JOIN prediction USING (source, model, frame) JOIN source ON source.id = detection.source
  JOIN models ON model_id = detection.model
  JOIN class ON class.model = detection.model AND class.id = detection.class
  LEFT JOIN meta AS asked ON asked.key = 'derived tracks ' || models.model
  LEFT JOIN track ON track.source = detection.source AND track.model = detection.model
    AND track.frame = detection.frame AND track.n = detection.n
    AND track.derivation = CAST(asked.value AS INTEGER);
CREATE VIEW failures AS
  SELECT source.shown AS source, models.model, stage, error AS type, message, model_id, current
  FROM task JOIN source ON source.id = task.source JOIN models ON model_id = task.model
  WHERE stage IS NOT NULL;
"""
