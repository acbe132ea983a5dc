import { entity, lifeOf } from './entity.ts';
import { choice, text } from './fields.ts';

export const users = entity({
  one: 'user',
  table: 'users',
  fields: { name: text(), email: text(), role: choice('Viewer', 'Admin', 'Editor', 'Operator') },
  unique: ['email'],
  events: (change) => lifeOf('user', change, (user) => ({ userId: user.id, user })),
});
