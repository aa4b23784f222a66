// What several scenarios have a visitor do on the test application.

import { newcomer } from "../compat/apps.mjs";

/** The visitor signs up by password, on the application at `host`; the credentials. */
export async function signUp({ open, fill, pressAndGo, seesUser }, host) {
  const person = newcomer();
  await open("/", host);
  await fill({ Email: person.email, Password: person.password });
  await pressAndGo("Sign up");
  await seesUser(`Signed in as ${person.email}`);
  return person;
}

/** The visitor, who is signed in, signs out. */
export async function signOut({ pressAndGo, seesUser }) {
  await pressAndGo("Sign out");
  await seesUser("Nobody is signed in");
}
