import { entity, occurred, whenSet } from './entity.ts';
import { hidden, integer, optional, text } from './fields.ts';

/** Base64 of 500 KB: this is a demonstration, not a file store. */
const LONGEST_CONTENT = 700_000;

export const files = entity({
  one: 'file',
  table: 'files',
  fields: {
    name: text(),
    mimeType: { ...text(100), column: `text NOT NULL DEFAULT 'application/octet-stream'`, required: false },
    size: integer(0, 2_147_483_647, 0),
    entityType: optional(text(50)),
    entityId: optional(integer(0, 2_147_483_647, 0)),
    contentBase64: hidden(optional(text(LONGEST_CONTENT))),
  },
  events(change) {
    const about = (file: { id: number; entityType: string | null; entityId: number | null }) => ({
      fileId: file.id,
      ...whenSet('entityType', file.entityType),
      ...whenSet('entityId', file.entityId),
      file,
    });
    switch (change.kind) {
      case 'created':
        return [occurred('file:uploaded', about(change.after))];
      case 'updated':
        return [occurred('file:updated', { ...about(change.after), changes: change.changes })];
      case 'deleted':
        return [occurred('file:deleted', about(change.before))];
    }
  },
});
