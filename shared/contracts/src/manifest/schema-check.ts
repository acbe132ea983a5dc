import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { pointer, type ManifestIssue } from './issue.ts';
import { reservedPluginIds } from './plugin-id.ts';
import { patternProblem } from './safe-pattern.ts';
import { manifestSchema, type ManifestProfile } from './schema.ts';
import { isFrameAddress, isOwnPath } from './ui-address.ts';
import { pageSchema, pageTypes, widgetSchema } from './ui-schema.ts';
import { isVersionRange, parseVersion } from './versions.ts';

const CONFIG_KEY = /^[A-Za-z][A-Za-z0-9_.-]{0,99}$/;
/** Names every object has already; a setting named so would be found where none was stored. */
const TAKEN_KEYS = ['constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty'];

const ajv = new Ajv({
  allErrors: true,
  discriminator: true,
  messages: false,
  formats: {
    'web-url': isWebUrl,
    // A leading `v` is an older spelling, which the install profile has rewritten by now.
    version: (text: string) => !text.startsWith('v') && parseVersion(text) !== undefined,
    'version-range': isVersionRange,
    'safe-pattern': (text: string) => patternProblem(text) === undefined,
    'config-key': (text: string) => CONFIG_KEY.test(text) && !TAKEN_KEYS.includes(text),
    'own-path': isOwnPath,
    'frame-address': isFrameAddress,
    'unreserved-id': (text: string) => !reservedPluginIds.includes(text),
  },
});

const validators: Record<ManifestProfile, ValidateFunction> = {
  publish: ajv.compile(manifestSchema('publish')),
  install: ajv.compile(manifestSchema('install')),
};

const uiValidators = { widget: ajv.compile(widgetSchema), page: ajv.compile(pageSchema) };

/** A homepage becomes a link, so it must not be a script. */
function isWebUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

/** Everything in which a manifest differs from the profile's schema. */
export function schemaIssues(manifest: unknown, profile: ManifestProfile): ManifestIssue[] {
  const validate = validators[profile];
  if (validate(manifest)) return [];
  return (validate.errors ?? []).filter((error) => !isEcho(error)).map((error) => issueOf(error, profile));
}

/** Everything that is wrong with one widget or page, which stands at `path` in what its plugin offers. */
export function uiIssues(kind: keyof typeof uiValidators, value: unknown, path: string): ManifestIssue[] {
  const validate = uiValidators[kind];
  if (validate(value)) return [];
  return (validate.errors ?? [])
    .filter((error) => !isEcho(error))
    .map((error) => issueOf({ ...error, instancePath: `${path}${error.instancePath}` }, 'publish'));
}

/** ajv tells some mistakes twice: a bad key as its own and as its parent's, a missing type also as an unknown one, one of a part as the whole's. */
function isEcho(error: ErrorObject): boolean {
  const { keyword, params } = error;
  return (
    ['propertyNames', 'oneOf', 'if'].includes(keyword) || (keyword === 'discriminator' && params.tagValue === undefined)
  );
}

function issueOf(error: ErrorObject, profile: ManifestProfile): ManifestIssue {
  const path = error.propertyName === undefined ? error.instancePath : pointer(error.instancePath, error.propertyName);
  const params = error.params as Record<string, unknown>;
  const what = path === '' ? 'The manifest' : nameOf(path);
  const limit = String(params.limit);
  switch (error.keyword) {
    case 'required': {
      const missing = String(params.missingProperty);
      return issue(pointer(path, missing), `${what} has no "${missing}"`, `Add "${missing}"`);
    }
    case 'additionalProperties': {
      const extra = String(params.additionalProperty);
      const hint = profile === 'publish' ? 'Remove it, or check its spelling' : 'Remove it';
      return issue(pointer(path, extra), `${what} has the unknown field "${extra}"`, hint);
    }
    case 'type':
      return issue(path, `${what} is not of type ${String(params.type)}`, `Write it as ${String(params.type)}`);
    case 'enum':
      return issue(path, `${what} has a value that is not allowed`, `Use one of: ${oneOf(params.allowedValues)}`);
    case 'discriminator':
      return issue(pointer(path, 'type'), `${what} has an unknown type`, `Use one of: ${typesAt(path)}`);
    case 'minLength':
    case 'minItems':
      return issue(path, `${what} is empty`, 'Give it a value');
    case 'maxLength':
      return issue(path, `${what} is longer than ${limit} characters`, `Shorten it to ${limit} characters`);
    case 'maxItems':
    case 'maxProperties':
      return issue(path, `${what} has more than ${limit} entries`, `Keep at most ${limit}`);
    case 'minimum':
    case 'maximum':
      return issue(
        path,
        `${what} is out of range`,
        `Use a number of at ${error.keyword === 'minimum' ? 'least' : 'most'} ${limit}`,
      );
    case 'pattern':
      return issue(
        path,
        `${what} is no plugin id`,
        'Use lowercase letters, digits and single hyphens, for instance my-plugin',
      );
    case 'format':
      return formatIssue(path, what, String(params.format));
    default:
      return issue(path, `${what} is not valid (${error.keyword})`, 'See the description of the manifest');
  }
}

const FIELD_TYPES = 'string, number, boolean, array, object';

/** Settings have a type, and so have pages. */
function typesAt(path: string): string {
  return path.startsWith('/config') ? FIELD_TYPES : pageTypes.join(', ');
}

function formatIssue(path: string, what: string, format: string): ManifestIssue {
  switch (format) {
    case 'web-url':
      return issue(path, `${what} is no web address`, 'Write it in full, beginning with https://');
    case 'version':
      return issue(path, `${what} is no version`, 'Write it as 1.2.3 or 1.2');
    case 'version-range':
      return issue(path, `${what} is no range of versions`, 'Write for instance >=1.0.0, ^1.2.0 or *');
    case 'safe-pattern':
      return issue(
        path,
        `${what} cannot be used as a pattern`,
        'Use a regular expression without look-around and back references that counts to a few hundred at most',
      );
    case 'own-path':
      return issue(
        path,
        `${what} is no path of the plugin's own`,
        'Write it below /api/plugins/{id}, beginning with /, for instance /stats',
      );
    case 'frame-address':
      return issue(
        path,
        `${what} cannot be shown in a frame`,
        "Use an address that begins with https://, or a path of the plugin's own",
      );
    case 'config-key':
      return issue(
        path,
        `${what} cannot be the name of a setting`,
        'Begin with a letter; use letters, digits, dots, hyphens and underscores',
      );
    default:
      return issue(path, `${what} is a name the platform uses itself`, 'Choose another id');
  }
}

/** `/config/apiKey/type` as `"config.apiKey.type"`, for the sentence. */
function nameOf(path: string): string {
  const name = path.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');
  return `"${name.length > 200 ? `${name.slice(0, 200)}…` : name}"`;
}

function oneOf(values: unknown): string {
  return Array.isArray(values) ? values.map(String).join(', ') : '';
}

function issue(path: string, message: string, hint: string): ManifestIssue {
  return { path, message, hint };
}
