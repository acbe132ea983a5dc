/** A folder that cannot become a plugin package: every reason at once, each a sentence that says what to do. */
export class PluginFolderError extends Error {
  readonly folder: string;
  readonly problems: readonly string[];

  constructor(folder: string, problems: readonly string[], options: { cause?: unknown } = {}) {
    super(`${folder} cannot be packed:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`, options);
    this.name = 'PluginFolderError';
    this.folder = folder;
    this.problems = problems;
  }
}
