import { entity, lifeOf } from './entity.ts';
import { integer, longText, text } from './fields.ts';

export const notes = entity({
  one: 'note',
  table: 'notes',
  fields: {
    entityType: text(50),
    entityId: { ...integer(0, 2_147_483_647, 0), column: 'integer NOT NULL', required: true },
    content: longText(),
  },
  events: (change) =>
    lifeOf('note', change, (note) => ({
      noteId: note.id,
      entityType: note.entityType,
      entityId: note.entityId,
      note,
    })),
});
