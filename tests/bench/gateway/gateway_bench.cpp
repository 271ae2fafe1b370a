#include "tests/bench/gateway/gateway_bench.hpp"

#include <cstdio>
#include <fstream>

namespace tandem::bench {
namespace {

constexpr const char* wrk = "/usr/bin/wrk";
constexpr int words_of_a_kilobyte = 180;

/// Text as Lua reads it.
std::string lua_text(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string script_of(const front_process& front, std::string_view body) {
  std::string out = "wrk.method = \"POST\"\nwrk.body = " + lua_text(body) +
                    "\nwrk.headers[\"Content-Type\"] = \"application/json\"\n";
  for (const auto& line : front.headers) {
    auto colon = line.find(':');
    out += "wrk.headers[" + lua_text(line.substr(0, colon)) +
           "] = " + lua_text(line.substr(colon + 2)) + "\n";
  }
  return out +
         "done = function(all, latency, requests)\n  local e = all.errors\n"
         "  io.write(string.format(\"result %d %d %d %d %d\\n\", all.requests, all.duration,\n"
         "    e.connect + e.read + e.write + e.status + e.timeout,\n"
         "    latency:percentile(50), latency:percentile(99)))\nend\n";
}

}  // namespace

gateway_sizes gateway_sizes::quick() {
  return {.rounds = 1,
          .wrk_seconds = 1,
          .streams = 60,
          .jobs_seconds = 2,
          .idle_connections = 1'000,
          .open_streams = 100};
}

void gateway_results::at_most(const std::string& figure, double value) {
  figures[figure] = value;
  ok = ok && value <= goal("gateway", figure + "_max");
}

void gateway_results::at_least(const std::string& figure, double value) {
  figures[figure] = value;
  ok = ok && value >= goal("gateway", figure + "_min");
}

wrk_result run_wrk(const front_process& front, std::string_view path, std::string_view body,
                   int connections, int seconds) {
  temp_folder folder{"wrk"};
  auto script = folder.path() / "post.lua";
  std::ofstream{script} << script_of(front, body);
  auto run = test::run(
      placed(place::load_core, wrk,
             {"-t1", "-c" + std::to_string(connections), "-d" + std::to_string(seconds) + "s",
              "--timeout", "10s", "-s", script.string(), front.url() + std::string{path}}),
      std::chrono::seconds{seconds + 60});
  auto mark = run.out.find("result ");
  wrk_result out;
  double us = 0;
  if (mark == run.out.npos ||
      std::sscanf(run.out.c_str() + mark, "result %lf %lf %lf %lf %lf", &out.requests, &us,
                  &out.errors, &out.p50_us, &out.p99_us) != 5)
    give_up("wrk (Debian's package of that name): " + run.err + run.out);
  out.requests_per_s = out.requests / (1e-6 * us);
  return out;
}

std::string chat_body(std::string_view model, bool stream) {
  std::string words;
  for (int i = 0; i < words_of_a_kilobyte; ++i) words += "word ";
  return R"({"model":")" + std::string{model} + R"(","max_tokens":256)" +
         (stream ? R"(,"stream":true)" : "") + R"(,"messages":[{"role":"user","content":")" +
         words + R"("}]})";
}

std::string kilobyte_text() {
  std::string out;
  while (out.size() < 700) out += "answer ";
  return out;
}

double median(std::vector<double> values) {
  return percentile(std::move(values), 0.5);
}

}  // namespace tandem::bench
