/** What has become of the plugin of an error, so that only what is possible then is suggested. */
export type Aftermath =
  /** Disabled, or still at work. */
  | { kind: 'installed' }
  /** The version before is there again, and as it was. */
  | { kind: 'restored'; version: string; operation: 'update' | 'rollback' }
  /** It is there in error; a second try passes over what its hooks throw. */
  | { kind: 'not uninstalled' }
  /** Nothing of it is there. */
  | { kind: 'not installed'; operation: 'install' | 'upload' | 'enable' };

/** What an admin may do next, in words for the middle of a sentence. */
export interface NextWords {
  /** Once what was wrong is mended. */
  again: string;
  /** Instead, or as long as nobody mends it. */
  instead: string;
  /** When this version cannot work here. */
  otherVersion: string;
}

const installed: NextWords = {
  again: 'enable the plugin again',
  instead: 'roll back to the previous version',
  otherVersion: 'update the plugin or roll back to the previous version',
};

export function nextWords(aftermath: Aftermath = { kind: 'installed' }): NextWords {
  switch (aftermath.kind) {
    case 'installed':
      return installed;
    case 'restored': {
      const stay = `stay with ${aftermath.version}, which is there again`;
      const again = aftermath.operation === 'update' ? 'update the plugin again' : 'roll back again';
      return { again, instead: stay, otherVersion: `${stay}, until there is a version that works` };
    }
    case 'not uninstalled': {
      const again = 'uninstall the plugin again, which passes over its errors from now on';
      return { again, instead: again, otherVersion: again };
    }
    case 'not installed': {
      const other = 'install another version, if there is one';
      return { again: `${aftermath.operation} the plugin again`, instead: other, otherVersion: other };
    }
  }
}
