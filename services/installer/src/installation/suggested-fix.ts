/** What an admin can do about an error of a known kind (S:14.4). */
export function suggestedFix(code: string, during?: string): string | undefined {
  switch (code) {
    case 'HOOK_TIMED_OUT':
      return `${during ?? 'The hook'} took too long: check what it waits for, then enable the plugin again`;
    case 'HOOK_FAILED':
      return 'Check the plugin’s configuration, then enable it again';
    case 'PLUGIN_LOAD_FAILED':
      return 'The package does not load: update the plugin or roll back to the previous version';
    case 'PERMISSION_DENIED':
      return 'Grant the permission the message names, then enable the plugin again';
    case 'PLUGIN_CRASHED':
      return 'Enable the plugin again; if it fails once more, roll back to the previous version';
    case 'NO_RUNNER':
      return 'No plugin runner answered: ask whoever operates the platform';
    default:
      return undefined;
  }
}
