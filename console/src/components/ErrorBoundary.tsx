import { Component, type ReactNode } from "react";

type Props = {
  children: ReactNode;
  /** What has failed, as the start of a sentence. */
  what: string;
};
type State = { error: Error | null };

/** Shows what happened instead of a blank page when rendering fails. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <div className="notice notice-error crash" role="alert">
        <h1>{this.props.what} has failed</h1>
        <p>{this.state.error.message}</p>
        <p>Your events are not affected. Reload the page.</p>
        <button type="button" className="button" onClick={() => window.location.reload()}>
          Reload
        </button>
      </div>
    );
  }
}
