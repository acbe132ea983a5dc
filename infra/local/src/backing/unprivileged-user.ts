import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { StartError } from '../start-error.ts';

export interface User {
  name: string;
  uid: number;
  gid: number;
}

/** Who runs what refuses to run as root: nobody special when we are not root ourselves. */
export function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const user = pickUser(readFileSync('/etc/passwd', 'utf8'));
  if (user === undefined) {
    throw new StartError('PostgreSQL refuses to run as root and /etc/passwd has neither postgres nor nobody; add one');
  }
  return user;
}

/** `postgres` where its package made one, else `nobody`; a number without a name is not enough for PostgreSQL. */
export function pickUser(passwd: string): User | undefined {
  const users = passwd.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    return name === undefined || uid === undefined || gid === undefined
      ? []
      : [{ name, uid: Number(uid), gid: Number(gid) }];
  });
  return ['postgres', 'nobody'].flatMap((name) => users.filter((user) => user.name === name && user.uid !== 0))[0];
}

/** Whether this user gets through every folder above, asked of the operating system itself. */
export function canEnter(folder: string, { uid, gid }: User): boolean {
  return spawnSync('test', ['-x', folder], { uid, gid, cwd: '/' }).status === 0;
}
