# The limit: nginx handing out a 1 KiB file over the same TLS 1.3, with the exchange's own
# certificate, to the same certified device, on keep-alive connections. It decides nothing, decrypts
# nothing and records nothing. Sourced by bench/run.

start_nginx() {
  NGINX_DIR=$WORK/nginx
  NGINX_PORT=$(free_port)
  mkdir -p "$NGINX_DIR/www"
  head -c 768 /dev/zero | base64 -w 0 >"$NGINX_DIR/www/1k.txt"
  [ "$(stat -c %s "$NGINX_DIR/www/1k.txt")" = 1024 ] || trouble "the static file is not 1 KiB"
  cat >"$NGINX_DIR/nginx.conf" <<CONF
$(if [ "$(id -u)" = 0 ]; then echo "user root;"; fi)
worker_processes 1;
daemon off;
pid $NGINX_DIR/nginx.pid;
error_log $NGINX_DIR/error.log warn;
events { worker_connections 1024; use epoll; multi_accept on; }
http {
  access_log off;
  sendfile on;
  tcp_nopush off;
  tcp_nodelay on;
  keepalive_timeout 600s;
  keepalive_requests 4000000000;
  open_file_cache max=16 inactive=600s;
  open_file_cache_valid 600s;
  client_body_temp_path $NGINX_DIR/body;
  proxy_temp_path $NGINX_DIR/proxy;
  fastcgi_temp_path $NGINX_DIR/fastcgi;
  uwsgi_temp_path $NGINX_DIR/uwsgi;
  scgi_temp_path $NGINX_DIR/scgi;
  server {
    listen 127.0.0.1:$NGINX_PORT ssl;
    server_name localhost;
    ssl_protocols TLSv1.3;
    ssl_certificate $SERVER_CERT;
    ssl_certificate_key $SERVER_KEY;
    ssl_client_certificate $CA_CERT;
    ssl_verify_client on;
    ssl_buffer_size 16k;
    root $NGINX_DIR/www;
    default_type text/plain;
  }
}
CONF
  taskset -c "$SERVER_CORE" nginx -p "$NGINX_DIR" -c "$NGINX_DIR/nginx.conf" >"$OUT/nginx.log" 2>&1 </dev/null &
  NGINX_PID=$!
  for _ in $(seq 100); do
    NGINX_WORKER=$(children_of "$NGINX_PID" | head -1)
    if [ -n "$NGINX_WORKER" ] && curl_device "https://127.0.0.1:$NGINX_PORT/1k.txt" >/dev/null 2>&1; then break; fi
    kill -0 "$NGINX_PID" 2>/dev/null || break
    sleep 0.1
  done
  [ "$(curl_device "https://127.0.0.1:$NGINX_PORT/1k.txt" | wc -c)" = 1024 ] || { cat "$OUT/nginx.log" >&2; trouble "nginx did not start"; }
  [ "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$CA_CERT" "https://127.0.0.1:$NGINX_PORT/1k.txt")" = 400 ] ||
    trouble "nginx answers a stranger without a certificate"
}

# ask_nginx ROW OUTSTANDING
ask_nginx() {
  load "$1" "$2" "$NGINX_WORKER" --url "https://127.0.0.1:$NGINX_PORT" --target /1k.txt
}

stop_nginx() {
  if [ -n "${NGINX_PID:-}" ]; then
    kill -TERM "$NGINX_PID" 2>/dev/null || true
    wait "$NGINX_PID" 2>/dev/null || true
    NGINX_PID=
  fi
}
