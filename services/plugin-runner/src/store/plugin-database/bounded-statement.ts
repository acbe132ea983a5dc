import pg from 'pg';
import { parameterText } from './parameter-text.ts';
import { parserOf } from './column-parsers.ts';

export interface StatementAnswer {
  rows: Record<string, unknown>[];
  /** Rows answered, or touched by INSERT, UPDATE and DELETE. */
  rowCount: number;
  /** The first word of what PostgreSQL says it did: `SELECT`, `INSERT`, `CREATE`. */
  command: string;
  /** There were more rows than wanted. */
  cut: boolean;
}

interface Field {
  name: string;
  dataTypeID: number;
}

/** What pg's connection really offers; its types are of an older one. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  parse(message: { name: string; text: string; types: number[] }): void;
  bind(message: { portal: string; statement: string; values: unknown[]; valueMapper: typeof parameterText }): void;
  describe(message: { type: 'P'; name: string }): void;
  execute(message: { portal: string; rows: number }): void;
  sync(): void;
  flush(): void;
  sendCopyFail(reason: string): void;
  once(event: 'readyForQuery' | 'end', heard: () => void): void;
}

/**
 * One statement by the extended protocol, which carries no second one, and no more than `rowLimit` of its rows. One that changes rows
 * and answers more of them changes none.
 * Settled only when the server is ready for the next, so that the state of the transaction is then known.
 */
export class BoundedStatement implements pg.Submittable {
  readonly answered: Promise<StatementAnswer>;
  readonly #settle = Promise.withResolvers<StatementAnswer>();
  readonly #text: string;
  readonly #params: readonly unknown[];
  readonly #rowLimit: number;
  /** Changes rows and answers them: it is finished only when its answer is whole. */
  readonly #changes: boolean;
  readonly #rows: Record<string, unknown>[] = [];
  #columns: { name: string; parse: (text: string) => unknown }[] = [];
  #tag = '';
  #cut = false;
  #unreadable: Error | undefined;

  constructor(text: string, params: readonly unknown[], rowLimit: number) {
    this.#text = text;
    this.#params = params;
    this.#rowLimit = rowLimit;
    this.#changes = /\breturning\b/i.test(text);
    this.answered = this.#settle.promise;
  }

  submit(connection: unknown): Error | undefined {
    const wire = connection as Wire;
    let values: unknown[];
    try {
      values = this.#params.map(parameterText);
    } catch (error) {
      return error as Error;
    }
    wire.stream.cork();
    wire.parse({ name: '', text: this.#text, types: [] });
    wire.bind({ portal: '', statement: '', values, valueMapper: (value) => value as string });
    wire.describe({ type: 'P', name: '' });
    // One more than wanted says that there are more; 0 would be all.
    wire.execute({ portal: '', rows: this.#rowLimit + 1 });
    if (this.#changes) wire.flush();
    else wire.sync();
    wire.stream.uncork();
    return undefined;
  }

  handleRowDescription({ fields }: { fields: Field[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, parse: parserOf(dataTypeID) }));
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    if (this.#unreadable) return;
    try {
      const row: Record<string, unknown> = {};
      this.#columns.forEach(({ name, parse }, at) => {
        const text = fields[at] ?? null;
        row[name] = text === null ? null : parse(text);
      });
      this.#rows.push(row);
    } catch (error) {
      this.#unreadable = error as Error;
    }
  }

  handlePortalSuspended(connection: unknown): void {
    this.#cut = true;
    if (!this.#changes) return;
    // An error before the sync undoes what the statement did; this text is no SQL.
    (connection as Wire).parse({ name: '', text: 'undo', types: [] });
    (connection as Wire).sync();
  }

  handleCommandComplete({ text }: { text: string }, connection: unknown): void {
    this.#tag = text;
    if (this.#changes) (connection as Wire).sync();
  }

  handleEmptyQuery(connection: unknown): void {
    if (this.#changes) (connection as Wire).sync();
  }

  handleCopyInResponse(connection: unknown): void {
    (connection as Wire).sendCopyFail('no data comes with a statement');
  }

  handleCopyData(): void {
    // What COPY … TO STDOUT says has nowhere to go.
  }

  handleReadyForQuery(): void {
    if (this.#unreadable) {
      this.#settle.reject(this.#unreadable);
      return;
    }
    const [command = '', ...numbers] = this.#tag.split(' ');
    const touched = Number(numbers.at(-1));
    this.#settle.resolve({
      rows: this.#rows,
      rowCount: Number.isNaN(touched) ? this.#rows.length : touched,
      command,
      cut: this.#cut || this.#rows.length > this.#rowLimit,
    });
  }

  handleError(error: Error, connection?: unknown): void {
    const reject = () => {
      if (this.#cut) this.handleReadyForQuery();
      else this.#settle.reject(error);
    };
    // What the server refused is over when it says it is ready; everything else is the end of the connection.
    if (!(error instanceof pg.DatabaseError) || !connection) {
      reject();
      return;
    }
    if (this.#changes && !this.#cut) (connection as Wire).sync();
    (connection as Wire).once('readyForQuery', reject);
    (connection as Wire).once('end', reject);
  }
}
