#!/usr/bin/env bash
# Sluice beside nginx as a bare reverse proxy, in front of the same stub engine, with the same load generator, in one run.
#   benchmarks/gateway.sh [SECONDS]     needs nginx and wrk (Debian: nginx-light, wrk) and a built ./sluice
# Prints a table: median and p99 latency at one connection, requests per second at 32, and the processor's name.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-5}
for tool in nginx wrk curl; do command -v "$tool" >/dev/null || { echo "gateway.sh: needs $tool" >&2; exit 1; }; done

work=$(mktemp -d)
stub=48180 proxy=48181 gateway=48182
pids=()
stop() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$work"; }
trap stop EXIT

# An answer of about 1 KB, as an engine would write it.
text=$(printf 'word %.0s' $(seq 140))
answer="{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"$text\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":140,\"total_tokens\":160}}"
models='{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"stub"}]}'
cat >"$work/nginx.conf" <<CONF
daemon off; pid $work/nginx.pid; error_log $work/error.log; worker_processes 2;
events { worker_connections 4096; }
http {
    access_log off; client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/f; uwsgi_temp_path $work/u; scgi_temp_path $work/s;
    keepalive_requests 100000000; client_body_buffer_size 64k;
    upstream stub { server 127.0.0.1:$stub; keepalive 64; keepalive_requests 100000000; }
    server {
        listen 127.0.0.1:$stub; default_type application/json;
        location = /v1/models { return 200 '$models'; }
        location = /v1/chat/completions { return 200 '$answer'; }
        location / { return 404 '{}'; }
    }
    server {
        listen 127.0.0.1:$proxy;
        location / { proxy_pass http://stub; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
    }
}
CONF
cat >"$work/sluice.yaml" <<CONF
listen: {port: $gateway}
engines: [{url: "http://127.0.0.1:$stub", kind: openai, places: 4096}]
CONF
cat >"$work/post.lua" <<'LUA'
wrk.method = "POST"
wrk.body = '{"model":"m","messages":[{"role":"system","content":"You are helpful."},{"role":"user","content":"What is a sluice, and who invented it? Answer in a few words."}],"temperature":0.7,"max_tokens":200}'
wrk.headers["Content-Type"] = "application/json"
LUA

nginx -c "$work/nginx.conf" & pids+=($!)
./sluice serve --config "$work/sluice.yaml" >"$work/sluice.log" 2>&1 & pids+=($!)
for _ in $(seq 300); do curl -fs "http://127.0.0.1:$gateway/readyz" >/dev/null 2>&1 && break; sleep 0.1; done

measure() { # NAME PORT
    wrk -t1 -c32 -d2 -s "$work/post.lua" "http://127.0.0.1:$2/v1/chat/completions" >/dev/null # warm
    local one many
    one=$(wrk -t1 -c1 -d"$seconds" --latency -s "$work/post.lua" "http://127.0.0.1:$2/v1/chat/completions")
    many=$(wrk -t1 -c32 -d"$seconds" -s "$work/post.lua" "http://127.0.0.1:$2/v1/chat/completions")
    printf '%-8s %10s %10s %14s   %s\n' "$1" "$(awk '/50%/ { print $2 }' <<<"$one")" "$(awk '/99%/ { print $2 }' <<<"$one")" \
        "$(awk '/Requests\/sec/ { print $2 }' <<<"$many")" "$(grep -c 'Non-2xx' <<<"$one$many" || true)"
}

echo "$(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores, answers of ${#answer} bytes"
printf '%-8s %10s %10s %14s   %s\n' through p50@1 p99@1 requests/s@32 failed
for _ in 1 2; do
    measure stub $stub
    measure nginx $proxy
    measure sluice $gateway
done
