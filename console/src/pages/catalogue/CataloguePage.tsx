import { useQueryParam } from "../../hooks/useQueryParam";
import { EventTypeView } from "./EventTypeView";
import { TypesView } from "./TypesView";
import "./catalogue.css";

/** The types, or the one of the address (?type=): a type may hold any character. */
export default function CataloguePage() {
  const [eventType] = useQueryParam("type");
  return eventType ? <EventTypeView key={eventType} eventType={eventType} /> : <TypesView />;
}
