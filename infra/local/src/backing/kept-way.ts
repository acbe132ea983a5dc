import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../start-error.ts';
import type { Way } from './running-service.ts';

/** How services of ours are run; each way has data of its own. */
export type OwnWay = Exclude<Way, 'environment'>;

const NOTE = 'way.json';

const placeOf: Record<OwnWay, string> = {
  docker: 'in volumes of Docker',
  programs: 'with programs of this machine',
};

/** The way in which the data was made that a start in this folder goes on with; undefined when there is none yet. */
export function keptWay(folder: string): OwnWay | undefined {
  try {
    return (JSON.parse(readFileSync(join(folder, NOTE), 'utf8')) as { way: OwnWay }).way;
  } catch {
    // Nothing is noted yet, and only programs keep their data here.
    return existsSync(join(folder, 'postgres')) ? 'programs' : undefined;
  }
}

export function keepWay(folder: string, way: OwnWay): void {
  writeFileSync(join(folder, NOTE), JSON.stringify({ way }));
}

export function forgetWay(folder: string): void {
  rmSync(join(folder, NOTE), { force: true });
}

/** Said when somebody chose another way than the one that the data was made with. */
export function otherWayChosen(kept: OwnWay, chosen: OwnWay): string {
  return `Going on without the data that was kept ${placeOf[kept]}, as BACKING_SERVICES=${chosen} wants it; it stays there, and BACKING_SERVICES=${kept} goes back to it`;
}

/** Other data than before is begun only when somebody says so. */
export function unreachable(kept: OwnWay, reason: string): StartError {
  const other: OwnWay = kept === 'docker' ? 'programs' : 'docker';
  return new StartError(
    `The data was kept ${placeOf[kept]} and cannot be reached (${reason}); mend that, or begin with other data: "npm start -- --fresh", or BACKING_SERVICES=${other}, which leaves the data where it is`,
  );
}
