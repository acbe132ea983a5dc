/** What of the plugin's own still waits for something; empty when its process may be stopped without anything being missed. */
export function keptAwakeBy(): string[] {
  return process.getActiveResourcesInfo();
}
