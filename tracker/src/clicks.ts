import type { Properties } from "./types";

const EVENT = "data-beatline-event";
const PROPERTY = /^data-beatline-(?!event$)(.+)/;

/** Calls back for clicks on or inside of elements that name an event. Capturing: pages that stop the click's
 * propagation do not hide it. */
export function watchClicks(clicked: (name: string, properties: Properties) => void): void {
  const onClick = ({ target }: MouseEvent) => {
    const element = target instanceof Element && target.closest(`[${EVENT}]`);
    if (element) clicked(element.getAttribute(EVENT) ?? "", propertiesOf(element));
  };
  document.addEventListener("click", onClick, true);
}

/** data-beatline-product-id="7" as product_id: "7". */
function propertiesOf(element: Element): Properties {
  const properties: Properties = {};
  for (const { name, value } of element.attributes) {
    const property = PROPERTY.exec(name)?.[1];
    if (property) properties[property.replace(/-/g, "_")] = value;
  }
  return properties;
}
