/** The environment as a process has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What reading one setting gave: a value, or a sentence that says what is wrong. */
export type Reading<T> = { ok: true; value: T } | { ok: false; problem: string };

/** One setting: where it is read from, how, and what may be wrong with it. Its problems never show a secret. */
export interface Setting<T> {
  read(env: Environment): Reading<T>;
}

type Shape = Record<string, Setting<unknown>>;
type Values<S extends Shape> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

/** Every problem of the environment at once, each a sentence with the name, what is wrong and an example. */
export class SettingsError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.length === 1 ? problems.join('') : `${problems.length} settings are wrong. ${problems.join(' ')}`);
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

/** Reads all settings, frozen and typed; throws SettingsError that lists every problem. */
export function readSettings<S extends Shape>(env: Environment, shape: S): Values<S> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, setting] of Object.entries(shape)) {
    const reading = setting.read(env);
    if (reading.ok) values[key] = reading.value;
    else problems.push(reading.problem);
  }
  if (problems.length > 0) throw new SettingsError([...new Set(problems)]);
  return Object.freeze(values) as Values<S>;
}

/** A value that was read. */
export function readAs<T>(value: T): Reading<T> {
  return { ok: true, value };
}

/** A value that is missing or wrong, as `NAME <what is wrong>; for example NAME=<example>.` */
export function wrong(name: string, what: string, example: string): Reading<never> {
  return { ok: false, problem: `${name} ${what}; for example ${name}=${example}.` };
}

/** The text of a variable; one that is set to nothing, as container files do, counts as not set. */
export function textIn(env: Environment, name: string): string | undefined {
  const raw = env[name]?.trim();
  return raw === '' ? undefined : raw;
}
