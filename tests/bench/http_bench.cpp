#include "tests/bench/http_bench.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.hpp"

namespace tandem::bench {
namespace {

std::string first_line(int fd) {
  std::string line;
  for (char c = 0; ::read(fd, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

std::size_t drop(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

CURL* make_call(const std::string& url, curl_slist* headers) {
  auto* call = curl_easy_init();
  curl_easy_setopt(call, CURLOPT_URL, url.c_str());
  curl_easy_setopt(call, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(call, CURLOPT_POSTFIELDSIZE, static_cast<long>(step_body.size()));
  curl_easy_setopt(call, CURLOPT_POSTFIELDS, step_body.data());
  curl_easy_setopt(call, CURLOPT_WRITEFUNCTION, drop);
  curl_easy_setopt(call, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(call, CURLOPT_NOSIGNAL, 1L);
  return call;
}

void one_by_one(CURL* call, int calls, bare_calls& out) {
  for (int i = 0; i < calls; ++i) {
    auto start = std::chrono::steady_clock::now();
    if (curl_easy_perform(call) != CURLE_OK) give_up("a bare call failed");
    out.times.push_back(seconds_since(start));
  }
}

void many_at_once(const std::vector<CURL*>& handles, int calls) {
  auto* multi = curl_multi_init();
  for (auto* call : handles) curl_multi_add_handle(multi, call);
  for (int done = 0, running = 1; done < calls && running > 0;) {
    curl_multi_perform(multi, &running);
    int left = 0;
    while (auto* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      auto* call = message->easy_handle;
      if (message->data.result != CURLE_OK) give_up("a bare call failed");
      curl_multi_remove_handle(multi, call);
      if (++done + static_cast<int>(handles.size()) <= calls) {
        curl_multi_add_handle(multi, call);
        running = 1;
      }
    }
    if (done < calls) curl_multi_poll(multi, nullptr, 0, 1'000, nullptr);
  }
  for (auto* call : handles) curl_multi_remove_handle(multi, call);
  curl_multi_cleanup(multi);
}

}  // namespace

stub_process::stub_process(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), TANDEM_BIN_DIR "/stub_engine");
  std::vector<char*> words;
  for (auto& word : arguments) words.push_back(word.data());
  words.push_back(nullptr);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) give_up("no pipe");
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(ends[1], 1);
    ::execv(words[0], words.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  out_ = ends[0];
  auto line = first_line(out_);
  auto mark = line.find("url=");
  if (mark == line.npos) give_up("the stub does not start: build the target stub_engine");
  url_ = line.substr(mark + 4, line.find(' ', mark) - mark - 4);
}

stub_process::~stub_process() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  ::close(out_);
}

double stub_process::cpu_seconds() const {
  std::ifstream file{"/proc/" + std::to_string(pid_) + "/stat"};
  std::string word;
  double ticks = 0;
  for (int field = 1; file >> word && field <= 15; ++field)
    if (field >= 14) ticks += std::stod(word);
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

node_config http_engines(const std::filesystem::path& data, std::string_view url) {
  auto config = instant_sim(data, 1);
  for (auto& model : config.models) {
    model.plan_system = "plan";
    model.step_system = model.answer_system = model.compose_system = "act";
  }
  for (auto& engine : config.engines) {
    engine.kind = "http";
    engine.concurrency = 4'096;
    engine.http.url = url;
    engine.http.served_model = "stub";
  }
  return config;
}

bare_calls call_bare(const std::string& url, int calls, int at_once) {
  static const auto ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) give_up("no libcurl");
  auto path = url + "/v1/chat/completions";
  auto* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  headers = curl_slist_append(headers, "Expect:");
  std::vector<CURL*> handles;
  for (int i = 0; i < at_once; ++i) handles.push_back(make_call(path, headers));
  bare_calls out;
  auto cpu = cpu_seconds();
  auto start = std::chrono::steady_clock::now();
  if (at_once == 1) {
    one_by_one(handles.front(), calls, out);
  } else {
    many_at_once(handles, calls);
  }
  out.calls_per_s = calls / seconds_since(start);
  out.cpu_s_per_call = (cpu_seconds() - cpu) / calls;
  for (auto* call : handles) curl_easy_cleanup(call);
  curl_slist_free_all(headers);
  return out;
}

double server_load(const std::string& url) {
  auto* call = curl_easy_init();
  std::string body;
  curl_easy_setopt(call, CURLOPT_URL, (url + "/load").c_str());
  curl_easy_setopt(call, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(
      call, CURLOPT_WRITEFUNCTION, +[](char* bytes, std::size_t size, std::size_t count, void* to) {
        static_cast<std::string*>(to)->append(bytes, size * count);
        return size * count;
      });
  auto code = curl_easy_perform(call);
  curl_easy_cleanup(call);
  auto mark = body.find(':');
  return code == CURLE_OK && mark != body.npos ? std::strtod(body.c_str() + mark + 1, nullptr) : -1;
}

double resident_mb() {
  std::ifstream file{"/proc/self/statm"};
  double pages = 0;
  file >> pages >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

}  // namespace tandem::bench
