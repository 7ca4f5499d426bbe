import { useQuery } from "@tanstack/react-query";

import { answer, api } from "../../../api/client";

export const DEVICES_KEY = ["devices"] as const;
export const PREFERENCES_KEY = ["notification-preferences"] as const;

export function useDevices() {
  return useQuery({
    queryKey: DEVICES_KEY,
    queryFn: ({ signal }) => answer(api.GET("/api/v1/devices", { signal })),
    select: ({ devices }) => devices,
  });
}

export function useChannels() {
  return useQuery({
    queryKey: ["notification-channels"],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/notifications/channels", { signal })),
    staleTime: Infinity,
  });
}

export function usePreferences() {
  return useQuery({
    queryKey: PREFERENCES_KEY,
    queryFn: ({ signal }) => answer(api.GET("/api/v1/notifications/preferences", { signal })),
  });
}

export function useDeliveries(device_id: string) {
  return useQuery({
    queryKey: ["deliveries", device_id],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/devices/{device_id}/deliveries", { params: { path: { device_id }, query: { limit: 10 } }, signal }),
      ),
    refetchInterval: 5_000,
  });
}
