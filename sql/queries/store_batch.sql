-- Store a batch of the writer, prepared once a connection: id of the batch, events, rejected events (JSON).
select store_batch($1::uuid, $2::json, $3::json)
