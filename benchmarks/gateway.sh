#!/usr/bin/env bash
# Sluice beside nginx as a bare reverse proxy: the same stub engine, the same load generators, the same machine, in one run.
#   benchmarks/gateway.sh [SECONDS]     needs nginx and wrk (Debian: nginx-light, wrk); two to three minutes with the default, 3
# Prints one table with the processor's name. Every figure is the better one of two rounds, in which both sides take turns: other work
# on the machine can only make a figure worse. Before that the gateway answers for some seconds, so that its compiler has done its work.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-3}
for tool in nginx wrk curl; do command -v "$tool" >/dev/null || { echo "gateway.sh: needs $tool" >&2; exit 1; }; done

work=$(mktemp -d)
stub=$((20000 + RANDOM % 10000)) # Two runs at once do not meet.
proxy=$((stub + 1)) gateway=$((stub + 2)) fresh=$((stub + 10))
pids=()
stop() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$work"; }
trap stop EXIT

dotnet build benchmarks/Sluice.Benchmarks -c Release -v:q --nologo -clp:NoSummary
./sluice --version >/dev/null 2>&1 # builds it
bench() { dotnet artifacts/bin/Sluice.Benchmarks/release/Sluice.Benchmarks.dll "$@"; }

cat >"$work/nginx.conf" <<CONF
daemon off; pid $work/nginx.pid; error_log $work/error.log; worker_processes 2;
events { worker_connections 4096; }
http {
    access_log off; client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/f; uwsgi_temp_path $work/u; scgi_temp_path $work/s;
    keepalive_requests 100000000; client_body_buffer_size 64k;
    upstream stub { server 127.0.0.1:$stub; keepalive 256; keepalive_requests 100000000; }
    server {
        listen 127.0.0.1:$proxy;
        location / { proxy_pass http://stub; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
    }
}
CONF
for port in $gateway $fresh; do
cat >"$work/$port.yaml" <<CONF
listen: {port: $port}
engines: [{url: "http://127.0.0.1:$stub", kind: openai, places: $([ $port = $fresh ] && echo 4 || echo 4096)}]
CONF
done
request='{"model":"m","messages":[{"role":"system","content":"You are helpful."},{"role":"user","content":"What is a sluice, and who invented it? Answer in a few words."}],"temperature":0.7,"max_tokens":200}'
for policy in continue restart-if-nothing-sent; do
cat >"$work/$policy.lua" <<LUA
wrk.method = "POST"
wrk.body = '$request'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["x-sluice-on-interruption"] = "$policy"
LUA
done

dotnet artifacts/bin/Sluice.Benchmarks/release/Sluice.Benchmarks.dll gateway stub $stub & pids+=($!)
nginx -c "$work/nginx.conf" & pids+=($!)
serve() { # PORT
    dotnet artifacts/bin/Sluice.Cli/release/sluice.dll serve --config "$work/$1.yaml" >"$work/sluice.log" 2>&1 & pids+=($!)
    for _ in $(seq 300); do curl -fs "http://127.0.0.1:$1/readyz" >/dev/null 2>&1 && break; sleep 0.1; done
}
serve $gateway
[ "$(curl -s -o /dev/null -w '%{http_code}' -d "$request" "http://127.0.0.1:$gateway/v1/chat/completions")" = 200 ] ||
    { echo "gateway.sh: the gateway does not answer:" >&2; cat "$work/sluice.log" >&2; exit 1; }

microseconds() { awk -v part="$1" '$1 == part { v = $2; if (v ~ /us$/) f = 1; else if (v ~ /ms$/) f = 1000; else f = 1e6; sub(/[a-z]+$/, "", v); printf "%.0f", v * f }'; }
best() { sort -g | if [ "$1" = most ]; then tail -1; else head -1; fi; }

whole() { # NAME PORT POLICY
    local url="http://127.0.0.1:$2/v1/chat/completions" one many
    wrk -t1 -c32 -d1 -s "$work/$3.lua" "$url" >/dev/null # warm
    one=$(wrk -t1 -c1 -d"$seconds" --latency -s "$work/$3.lua" "$url")
    many=$(wrk -t1 -c32 -d"$seconds" -s "$work/$3.lua" "$url")
    microseconds 50% <<<"$one" >>"$work/$1.p50"; echo >>"$work/$1.p50"
    microseconds 99% <<<"$one" >>"$work/$1.p99"; echo >>"$work/$1.p99"
    awk '/Requests\/sec/ { printf "%.0f\n", $2 }' <<<"$many" >>"$work/$1.rps"
    grep -h 'Non-2xx\|Socket errors' <<<"$one$many" >>"$work/failed" || true
}

streamed() { # NAME PORT
    bench gateway stream "$2" 200 "$seconds" | while read -r first first99 token token99 most failed; do
        echo "$first" >>"$work/$1.first"; echo "$first99" >>"$work/$1.first99"
        echo "$token" >>"$work/$1.token"; echo "$token99" >>"$work/$1.token99"; echo "$most" >>"$work/$1.most"
        [ "$failed" = 0 ] || echo "$1: $failed streams" >>"$work/failed"
    done
}

for policy in continue restart-if-nothing-sent; do
    wrk -t1 -c32 -d3 -s "$work/$policy.lua" "http://127.0.0.1:$gateway/v1/chat/completions" >/dev/null
done
bench gateway stream "$gateway" 200 10 >/dev/null
for _ in 1 2; do
    whole stub $stub continue
    whole nginx $proxy continue
    whole sluice $gateway restart-if-nothing-sent
    whole gathered $gateway continue
    streamed stub $stub
    streamed nginx $proxy
    streamed sluice $gateway
done
serve $fresh
read -r queued answered megabytes < <(bench gateway queue $fresh "${pids[-1]}" 10000)
read -r whole_bytes gathered_bytes token_bytes < <(bench gateway bytes)
accepted=$(bench store 1 | awk -F'|' '/durable accept|accepted/ { gsub(/ /, "", $3); print $3; exit }')

n() { best "${3:-least}" <"$work/$1.$2"; }
over() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%+.'"${3:-0}"'f", a - b }'; }
share() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.0f %%", 100 * a / b }'; }
cat <<TABLE
$(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores, $(date -u +%F); better of two rounds of $seconds s

| | stub alone | nginx | Sluice | over nginx | wanted |
|---|---:|---:|---:|---:|---:|
| 1 KB answer by default (140 events gathered), 1 connection, median [µs] | $(n stub p50) | $(n nginx p50) | $(n gathered p50) | $(over "$(n gathered p50)" "$(n nginx p50)") | +100 |
| the same, p99 [µs] | $(n stub p99) | $(n nginx p99) | $(n gathered p99) | $(over "$(n gathered p99)" "$(n nginx p99)") | |
| the same, 32 connections [requests/s] | $(n stub rps most) | $(n nginx rps most) | $(n gathered rps most) | $(share "$(n gathered rps most)" "$(n nginx rps most)") | 50 % |
| the same, allocated for each [bytes] | | | $gathered_bytes | | |
| 1 KB answer as its engine wrote it, 1 connection, median [µs] | | | $(n sluice p50) | $(over "$(n sluice p50)" "$(n nginx p50)") | +100 |
| the same, p99 [µs] | | | $(n sluice p99) | $(over "$(n sluice p99)" "$(n nginx p99)") | |
| the same, 32 connections [requests/s] | | | $(n sluice rps most) | $(share "$(n sluice rps most)" "$(n nginx rps most)") | 50 % |
| the same, allocated for each [bytes] | | | $whole_bytes | | |
| 200 streams/s of 50 tokens, first byte, median [ms] | $(n stub first) | $(n nginx first) | $(n sluice first) | $(over "$(n sluice first)" "$(n nginx first)" 3) | +0.3 |
| the same, p99 [ms] | $(n stub first99) | $(n nginx first99) | $(n sluice first99) | $(over "$(n sluice first99)" "$(n nginx first99)" 3) | +1 |
| from the engine to the caller, each token, median [ms] | $(n stub token) | $(n nginx token) | $(n sluice token) | $(over "$(n sluice token)" "$(n nginx token)" 3) | |
| the same, p99 [ms] | $(n stub token99) | $(n nginx token99) | $(n sluice token99) | $(over "$(n sluice token99)" "$(n nginx token99)" 3) | |
| the same, most [ms] | $(n stub most) | $(n nginx most) | $(n sluice most) | $(over "$(n sluice most)" "$(n nginx most)" 3) | |
| each token of a stream, allocated [bytes] | | | $token_bytes | | |
| $queued requests of 1 KB queued at once ($answered answered), memory [MB] | | | $megabytes | | 300 |
| batch lines accepted durably [per s] | | | ${accepted:-?} | | 5,000 |
TABLE
if [ -s "$work/failed" ]; then echo; echo "failed:"; sort "$work/failed" | uniq -c; fi
