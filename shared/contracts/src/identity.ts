/** Who makes a request, as the platform's token says (contract §5). */
export interface Identity {
  tenant: string;
  userId: string;
  role: string;
  email?: string;
  name?: string;
}

/** A user as logs of who did what name them. */
export type Person = Omit<Identity, 'tenant'>;

/** Who did something: a person, or the platform itself. */
export type Actor = Person | { service: string };

export function actorOf({ userId, role, name, email }: Identity): Person {
  return { userId, role, ...(name === undefined ? {} : { name }), ...(email === undefined ? {} : { email }) };
}

/** Manages plugins of its own tenant. */
export const ADMIN_ROLE = 'Admin';
/** Manages what belongs to the whole platform. */
export const OPERATOR_ROLE = 'Operator';

/** What a service token says (EdDSA, 60 s): which service calls which, on whose behalf. */
export interface ServiceIdentity {
  service: string;
  tenant?: string;
  pluginId?: string;
  /** The user a request is made for, when it is forwarded. */
  user?: Identity;
}
