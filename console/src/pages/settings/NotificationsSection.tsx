import { PageHead } from "../../components/PageHead";
import { DevicesPanel } from "./notifications/DevicesPanel";
import { PreferencesPanel } from "./notifications/PreferencesPanel";
import "./notifications/notifications.css";

export default function NotificationsSection() {
  return (
    <>
      <PageHead title="Notifications" />
      <DevicesPanel />
      <PreferencesPanel />
    </>
  );
}
