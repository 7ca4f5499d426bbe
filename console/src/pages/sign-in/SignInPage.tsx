import { Redirect, useSearch } from "wouter";

import { ApiError } from "../../api/client";
import { Form, textOf, TextField } from "../../components/Form";
import { usePageTitle } from "../../components/PageHead";
import { useNow } from "../../hooks/useNow";
import { formatAge } from "../../lib/format";
import { useAccount } from "../../session/account";
import { nextPath } from "../../session/signInPath";
import { useSignIn } from "../../session/signing";

export default function SignInPage() {
  usePageTitle("Sign in");
  const account = useAccount();
  const search = useSearch();
  const signIn = useSignIn();
  if (account) return <Redirect to={nextPath(search)} replace />;
  const { error } = signIn;
  const tooMany = error instanceof ApiError && error.status === 429;
  return (
    <section className="panel sign-in" aria-labelledby="sign-in">
      <h1 id="sign-in">Sign in</h1>
      <Form
        submit="Sign in"
        busy={signIn.isPending}
        error={tooMany ? null : error}
        onSubmit={(data) =>
          signIn.mutate({ email: textOf(data, "email"), password: textOf(data, "password") })
        }
      >
        <TextField
          name="email"
          label="E-mail address"
          type="email"
          autoComplete="username"
          autoCapitalize="none"
          maxLength={254}
          required
          autoFocus
        />
        <TextField
          name="password"
          label="Password"
          type="password"
          autoComplete="current-password"
          maxLength={256}
          required
        />
        {tooMany && <TooMany key={signIn.submittedAt} seconds={error.retryAfter ?? 60} since={signIn.submittedAt} />}
      </Form>
      <p className="footnote">
        Forgotten? An administrator gives you a new password, or <code>beatline user reset-password</code> on the server.
      </p>
    </section>
  );
}

/** How long to wait; from then on nothing stands in the way. Times in seconds and epoch milliseconds. */
function TooMany({ seconds, since }: { seconds: number; since: number }) {
  const left = Math.ceil(seconds - (useNow(1000) - since) / 1000);
  if (left <= 0) return <p className="footnote" role="status">You can try again now.</p>;
  return (
    <p className="form-error" role="alert">
      Too many attempts to sign in. Try again in <span aria-live="off">{formatAge(left)}</span>.
    </p>
  );
}
