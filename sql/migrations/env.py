"""Alembic's door: runs the migrations on the connection that geo.database gives it."""

from alembic import context
from geoalchemy2 import alembic_helpers

from geo.database import alembic_scope
from geo.table import core

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=core,
    include_name=lambda name, kind, parents: kind != "table" or alembic_scope(name),
    include_object=alembic_helpers.include_object,
    render_item=alembic_helpers.render_item,
    process_revision_directives=alembic_helpers.writer,
)
with context.begin_transaction():
    context.run_migrations()
