import { PageHead } from "../../components/PageHead";
import { EpisodesTable } from "./EpisodesTable";

export default function HistorySection() {
  return (
    <>
      <PageHead title="History" />
      <EpisodesTable watchId={null} />
    </>
  );
}
