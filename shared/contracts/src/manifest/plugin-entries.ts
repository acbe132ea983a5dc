/** The files that a plugin's code begins with; the first that is there is loaded (contract §1). TypeScript is transpiled to one of them. */
export const pluginEntries = ['index.js', 'index.mjs', 'index.cjs'] as const;
