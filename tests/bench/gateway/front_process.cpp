#include "tests/bench/gateway/front_process.hpp"

#include <cstdio>
#include <fstream>
#include <thread>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/bench_report.hpp"
#include "tests/support/free_port.hpp"

namespace tandem::bench {
namespace {

constexpr std::chrono::seconds start_limit{60};
constexpr const char* taskset = "/usr/bin/taskset";

sockaddr_in address_of(std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  out.sin_port = ::htons(port);
  return out;
}

bool accepts(std::uint16_t port) {
  auto socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = address_of(port);
  auto done = ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::close(socket);
  return done == 0;
}

/// The number behind the last colon of `name=http://127.0.0.1:PORT`.
std::uint16_t port_in(const std::string& line, const std::string& name) {
  auto at = line.find(name);
  auto colon = at == line.npos ? at : line.find(':', line.find("//", at));
  if (colon == line.npos) give_up("no address in: " + line);
  return static_cast<std::uint16_t>(std::stoul(line.substr(colon + 1)));
}

std::string node_toml(const node_options& options) {
  std::string out = "[node]\nname = \"bench\"\nlisten = \"127.0.0.1:0\"\nthreads = " +
                    std::to_string(options.threads) +
                    "\n[log]\nlevel = \"warn\"\n[http]\nlisten = \"127.0.0.1:0\"\n"
                    "[jobs]\nrunning_max = 100000\nqueued_max = 1000000\nretention = \"0h\"\n"
                    "[executor]\nin_flight_max = 1000000\n";
  for (const char* name : {"large", "small"}) {
    const auto& url = std::string_view{name} == "large" ? options.large_url : options.small_url;
    out += "[[model]]\nname = \"" + std::string{name} + "\"\ntier = \"" + name +
           "\"\nplan_system = \"plan\"\nstep_system = \"act\"\nanswer_system = \"act\"\n"
           "compose_system = \"act\"\n[[engine]]\nname = \"" +
           name + "-0\"\nkind = \"http\"\nmodel = \"" + name +
           "\"\nconcurrency = 4096\nadaptive = false\n[engine.http]\nurl = \"" + url +
           "\"\nserved_model = \"stub\"\n";
  }
  return out + options.more;
}

void write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream{file} << text;
}

front_ptr missing(const char* what) {
  std::printf("%s cannot be had here: compared with the others alone\n", what);
  return nullptr;
}

}  // namespace

test::child_options placed(place where, std::string program, std::vector<std::string> arguments) {
  auto cores = std::thread::hardware_concurrency();
  if (where == place::anywhere || cores < 2 || !std::filesystem::exists(taskset))
    return {.program = std::move(program), .arguments = std::move(arguments)};
  arguments.insert(arguments.begin(),
                   {"-c", where == place::gateway_core ? "0" : "1", std::move(program)});
  return {.program = taskset, .arguments = std::move(arguments)};
}

front_process::front_process(std::string name, std::uint16_t port, test::child_options options)
    : name_{std::move(name)},
      child_{std::make_unique<test::child_process>(std::move(options))},
      port_{port} {
  auto until = std::chrono::steady_clock::now() + start_limit;
  while (!accepts(port_)) {
    if (!child_->is_running() || std::chrono::steady_clock::now() > until)
      give_up(name_ + " does not start: " + child_->log());
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
}

front_process::front_process(std::string name, std::unique_ptr<test::child_process> child,
                             std::uint16_t port)
    : name_{std::move(name)}, child_{std::move(child)}, port_{port} {}

double front_process::cpu_seconds() const {
  std::ifstream file{"/proc/" + std::to_string(child_->pid()) + "/stat"};
  std::string word;
  double ticks = 0;
  for (int field = 1; file >> word && field <= 15; ++field)
    if (field >= 14) ticks += std::stod(word);
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double front_process::resident_mb() const {
  std::ifstream file{"/proc/" + std::to_string(child_->pid()) + "/statm"};
  double pages = 0;
  file >> pages >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

front_ptr start_stub(std::vector<std::string> arguments) {
  auto child = std::make_unique<test::child_process>(
      placed(place::load_core, TANDEM_BIN_DIR "/stub_engine", std::move(arguments)));
  auto line = child->wait_line("stub ready ", start_limit);
  if (!line) give_up("the stub does not start: build the target stub_engine");
  auto port = port_in(*line, "url=");
  return std::make_unique<front_process>("direct", std::move(child), port);
}

front_ptr start_node(const std::filesystem::path& folder, const node_options& options) {
  std::filesystem::create_directories(folder);
  auto config = folder / "node.toml";
  write_file(config, node_toml(options));
  auto child = std::make_unique<test::child_process>(
      placed(options.where, TANDEM_BIN_DIR "/tandem-node",
             {"--config", config.string(), "--data", (folder / "data").string()}));
  auto line = child->wait_line("tandem-node ready ", start_limit);
  if (!line) give_up("tandem-node does not start: " + child->log());
  auto port = port_in(*line, " http=");
  return std::make_unique<front_process>("tandem", std::move(child), port);
}

front_ptr start_nginx(const std::filesystem::path& folder, const front_process& upstream) {
  const std::string program = "/usr/sbin/nginx";
  if (!std::filesystem::exists(program)) return missing("nginx");
  auto port = test::free_port();
  auto config = folder / "nginx.conf";
  auto at = folder.string();
  std::string temp;
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    temp += std::string{kind} + "_temp_path " + at + "/" + kind + ";\n";
  write_file(config,
             "daemon off; master_process off; worker_processes 1; user root;\npid " + at +
                 "/nginx.pid; error_log stderr crit;\nevents { worker_connections 4096; }\n"
                 "http { access_log off; keepalive_requests 1000000000;\n" +
                 temp + "upstream engine { server 127.0.0.1:" + std::to_string(upstream.port()) +
                 "; keepalive 256; keepalive_requests 1000000000; }\nserver { listen 127.0.0.1:" +
                 std::to_string(port) +
                 ";\nlocation / { proxy_pass http://engine; proxy_http_version 1.1;\n"
                 "proxy_set_header Connection \"\"; proxy_buffering off; } } }\n");
  return std::make_unique<front_process>(
      "nginx", port, placed(place::gateway_core, program, {"-c", config.string()}));
}

front_ptr start_haproxy(const std::filesystem::path& folder, const front_process& upstream) {
  const std::string program = "/usr/sbin/haproxy";
  if (!std::filesystem::exists(program)) return missing("haproxy");
  auto port = test::free_port();
  auto config = folder / "haproxy.cfg";
  write_file(config,
             "global\n  nbthread 1\n  maxconn 4096\ndefaults\n  mode http\n"
             "  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
             "  http-reuse always\nfrontend door\n  bind 127.0.0.1:" +
                 std::to_string(port) +
                 "\n  default_backend engine\nbackend engine\n  server stub 127.0.0.1:" +
                 std::to_string(upstream.port()) + "\n");
  return std::make_unique<front_process>(
      "haproxy", port, placed(place::gateway_core, program, {"-db", "-f", config.string()}));
}

front_ptr start_portkey(const front_process& upstream) {
  auto program = std::filesystem::path{TANDEM_SOURCE_DIR} /
                 "build/portkey/node_modules/@portkey-ai/gateway/build/start-server.js";
  if (!std::filesystem::exists(program) || !std::filesystem::exists("/usr/bin/node"))
    return missing("Portkey");
  auto port = test::free_port();
  auto options = placed(place::gateway_core, "/usr/bin/node",
                        {program.string(), "--headless", "--port=" + std::to_string(port)});
  options.environment = {{"NODE_ENV", "production"},
                         {"TRUSTED_CUSTOM_HOSTS", "127.0.0.1,localhost"}};
  auto out = std::make_unique<front_process>("portkey", port, std::move(options));
  out->headers = {"x-portkey-provider: openai", "x-portkey-custom-host: " + upstream.url() + "/v1",
                  "Authorization: Bearer none"};
  return out;
}

}  // namespace tandem::bench
