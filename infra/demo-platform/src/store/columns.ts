import type { Entity } from '../entities/entity.ts';

/** `mitigationStatus` → `mitigation_status`: fields in the program, columns in the database. */
export function columnOf(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What answers and events show of a row, each column under its field's name. */
export function shownColumns({ fields }: Entity): string {
  const shown = Object.keys(fields).filter((name) => fields[name]?.hidden !== true);
  return ['id', ...shown, 'createdAt', 'updatedAt'].map((name) => `${columnOf(name)} AS "${name}"`).join(', ');
}

/** The columns that plugins may read, as they are. */
export function columnsForPlugins({ fields }: Entity): string {
  const shown = Object.keys(fields).filter((name) => fields[name]?.hidden !== true);
  return ['id', 'tenant', ...shown.map(columnOf), 'created_at', 'updated_at'].join(', ');
}
