#include "config/validate_engine.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "config/quantity.hpp"
#include "config/url.hpp"
#include "config/words.hpp"

namespace tandem {
namespace {

constexpr std::array<std::string_view, 2> server_schemes{"http", "https"};
constexpr std::array<std::string_view, 6> proxy_schemes{"http",    "https",  "socks5",
                                                        "socks5h", "socks4", "socks4a"};
constexpr std::array<std::string_view, 4> placeholders{"path", "port", "concurrency", "model"};

/// The name within `{name}` at `start`, where the brace is; empty when it is no placeholder, such
/// as the start of JSON.
std::string_view placeholder_at(std::string_view text, std::size_t start) {
  auto end = text.find('}', start);
  if (end == std::string_view::npos) return {};
  auto name = text.substr(start + 1, end - start - 1);
  auto is_name = std::all_of(name.begin(), name.end(),
                             [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  return is_name ? name : std::string_view{};
}

bool is_environment_name(std::string_view name) {
  return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_';
         });
}

class engine_validator {
 public:
  engine_validator(const engine_config& engine, const std::string& key, const std::string& shown,
                   std::vector<config_problem>& problems)
      : engine_{engine}, key_{key}, shown_{shown}, problems_{problems} {}

  void run() {
    check_path();
    check_limit();
    check_times("breaker.pause", engine_.breaker.pause, "breaker.pause_max",
                engine_.breaker.pause_max);
    if (engine_.kind == "http" || engine_.kind == "managed") check_http();
    if (engine_.kind == "managed") check_process();
    if (engine_.scale.max > 1) check_scale();
    if (engine_.kind == "http") check_weights();
    if (engine_.kind == "replay") check_replay();
  }

 private:
  void add(const std::string& name, const std::string& text) {
    problems_.push_back({key_ + name, shown_ + name + text});
  }

  void check_times(const std::string& low_name, std::chrono::milliseconds low,
                   const std::string& high_name, std::chrono::milliseconds high) {
    if (low <= high) return;
    add(low_name, " = \"" + format_duration(low) + "\" is above " + high_name + " = \"" +
                      format_duration(high) + "\"; lower the first or raise the second");
  }

  void check_limit() {
    if (engine_.concurrency_min <= engine_.concurrency) return;
    add("concurrency_min", " = " + std::to_string(engine_.concurrency_min) +
                               " is above concurrency = " + std::to_string(engine_.concurrency) +
                               "; lower the first or raise the second");
  }

  /// Whether it is there and can be read; says so otherwise.
  bool check_file(const std::string& name, const std::filesystem::path& file,
                  const std::string& advice) {
    std::error_code failure;
    auto status = std::filesystem::status(file, failure);
    std::string problem;
    if (!std::filesystem::exists(status)) {
      problem = status.type() == std::filesystem::file_type::not_found
                    ? " does not exist"
                    : " cannot be looked at: " + failure.message();
    } else if (std::filesystem::is_directory(status)) {
      problem = " is no file";
    } else if (::access(file.c_str(), R_OK) != 0) {
      problem = std::string{" cannot be read: "} + std::strerror(errno);
    }
    if (problem.empty()) return true;
    add(name, " = " + toml_string(file.string()) + problem + "; " + advice);
    return false;
  }

  void check_path() {
    constexpr auto advice = "name a GGUF file, relative to the config file's folder or absolute";
    const auto& path = engine_.path;
    if (engine_.kind == "embedded" && path.empty()) {
      add("path", " is missing; an embedded engine needs a GGUF file");
    } else if (engine_.kind == "embedded") {
      (void)check_file("path", path, advice);
    } else if (engine_.kind == "managed" && engine_.process.command.empty()) {
      if (path.empty()) {
        add("path",
            " is missing; a managed engine needs a GGUF file for llama-server, or "
            "[engine.process] with the command of another server");
      } else {
        (void)check_file("path", path, advice);
      }
    } else if (engine_.kind == "managed" && !path.empty()) {
      // What another server takes may be a folder.
      std::error_code failure;
      if (!std::filesystem::exists(path, failure)) {
        add("path", " = " + toml_string(path.string()) +
                        " does not exist; name the weights, relative to the config file's folder "
                        "or absolute");
      }
    } else if (!path.empty() && !engine_.kind.empty()) {
      add("path", " = " + toml_string(path.string()) +
                      " is for engines of kind embedded and managed; remove it");
    }
  }

  void check_http() {
    const auto& http = engine_.http;
    if (engine_.kind == "managed") {
      if (!http.url.empty()) {
        add("http.url",
            " is not for a managed engine, whose server the node starts itself; "
            "remove it, or write kind = \"http\" for a server that runs already");
      }
    } else if (http.url.empty()) {
      add("http.url",
          " is missing; an http engine needs its server's address, such as "
          "http://127.0.0.1:8000, in [engine.http]");
    } else {
      check_url("http.url", http.url, server_schemes, true,
                "; put the API key into a file and name it with api_key_file");
    }
    if (!http.proxy.empty()) {
      check_url("http.proxy", http.proxy, proxy_schemes, false, "; use a proxy that needs none");
    }
    check_api_key();
    if (!http.ca_file.empty()) {
      (void)check_file("http.ca_file", http.ca_file,
                       "name a PEM file with the authorities' certificates");
    }
  }

  void check_url(const std::string& name, const std::string& url,
                 std::span<const std::string_view> schemes, bool may_have_path,
                 const std::string& instead_of_user) {
    auto problem = url_problem(url, schemes, may_have_path);
    if (problem.empty()) return;
    // It may hold a password, and messages are logged.
    if (has_user(url)) return add(name, " " + problem + instead_of_user);
    add(name, " = " + quote_word(url) + " " + problem);
  }

  void check_api_key() {
    const auto& http = engine_.http;
    if (!http.api_key_file.empty() && !http.api_key_env.empty()) {
      add("http.api_key_file", " and http.api_key_env are both given; remove one of them");
      return;
    }
    if (!http.api_key_file.empty()) check_key_file(http.api_key_file);
    if (http.api_key_env.empty()) return;
    if (!is_environment_name(http.api_key_env)) {
      // Somebody may have put the key itself here.
      add("http.api_key_env",
          " is no name of an environment variable; write its name, such as "
          "API_KEY, never the key itself");
      return;
    }
    const char* value = std::getenv(http.api_key_env.c_str());
    if (value == nullptr || *value == '\0') {
      add("http.api_key_env", " = " + toml_string(http.api_key_env) +
                                  (value == nullptr ? ": this environment variable is not set"
                                                    : ": this environment variable is empty") +
                                  "; set it where the node is started, or name a file with "
                                  "api_key_file");
    }
  }

  void check_key_file(const std::filesystem::path& file) {
    if (!check_file("http.api_key_file", file, "name a file with nothing but the key")) return;
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return;
    auto shown = toml_string(file.string());
    if ((status.st_mode & S_IROTH) != 0) {
      add("http.api_key_file", " = " + shown +
                                   " can be read by every user of this machine; `chmod 600 " +
                                   file.string() + "`");
    } else if (S_ISREG(status.st_mode) && status.st_size == 0) {
      add("http.api_key_file", " = " + shown + " is empty; write the key into it");
    }
  }

  void check_process() {
    const auto& process = engine_.process;
    check_times("process.restart_pause", process.restart_pause, "process.restart_pause_max",
                process.restart_pause_max);
    auto has_port = false;
    for (const auto& argument : process.command) {
      for (auto at = argument.find('{'); at != std::string::npos; at = argument.find('{', at + 1)) {
        auto name = placeholder_at(argument, at);
        if (name.empty()) continue;
        check_placeholder(name);
        has_port = has_port || name == "port";
      }
    }
    if (!process.command.empty() && !has_port && process.port == 0) {
      add("process.command",
          " has no {port}, and process.port = 0: nothing tells the server where "
          "to listen; add an argument with {port}, or set process.port to the "
          "port that it takes");
    }
  }

  void check_scale() {
    if (engine_.kind != "managed") return;
    if (engine_.process.port != 0)
      add("process.port", " is one port, and scale.max = " + std::to_string(engine_.scale.max) +
                              " servers cannot share it; remove it, and any free one is taken");
    if (!engine_.process.log.empty())
      add("process.log", " is one file, and scale.max = " + std::to_string(engine_.scale.max) +
                             " servers would write over each other in it; remove it, and each has "
                             "NAME.log in logs in the data folder");
  }

  void check_placeholder(std::string_view name) {
    if (std::find(placeholders.begin(), placeholders.end(), name) == placeholders.end()) {
      auto nearest = nearest_word(name, placeholders);
      auto shown = "{" + std::string{name} + "}";
      add("process.command",
          " has " + quote_word(shown) +
              ", but only {path}, {port}, {concurrency} and {model} are "
              "replaced" +
              (nearest.empty() ? "" : "; did you mean {" + std::string{nearest} + "}?"));
    } else if (name == "path" && engine_.path.empty()) {
      add("process.command", " has {path}, but the engine has no path; add it to the [[engine]]");
    }
  }

  void check_weights() {
    const auto& weights = engine_.weights;
    if (!weights.lora.empty() && !weights.load.empty())
      add("weights.lora", " and weights.load exclude each other; remove one of them");
    const std::pair<const char*, const std::vector<std::string>*> steps[] = {
        {"weights.load", &weights.load},
        {"weights.pause", &weights.pause},
        {"weights.flush", &weights.flush},
        {"weights.check", &weights.check},
        {"weights.resume", &weights.resume}};
    for (const auto& [name, command] : steps) {
      if (!command->empty() && weights.load.empty())
        add(name, " is not used without weights.load; name the command that loads, too");
      for (const auto& argument : *command) {
        for (auto at = argument.find('{'); at != std::string::npos;
             at = argument.find('{', at + 1)) {
          auto mark = placeholder_at(argument, at);
          if (mark.empty() || mark == "path" || mark == "version") continue;
          auto shown = "{" + std::string{mark} + "}";
          add(name, " has " + quote_word(shown) + ", but only {path} and {version} are replaced");
        }
      }
    }
  }

  void check_replay() {
    if (engine_.replay.answers.empty()) {
      add("replay.answers",
          " is missing; a replay engine needs a CSV file with recorded answers, "
          "in [engine.replay]");
      return;
    }
    (void)check_file("replay.answers", engine_.replay.answers,
                     "name a CSV file with recorded answers, relative to the config file's folder "
                     "or absolute");
  }

  const engine_config& engine_;
  const std::string& key_;
  const std::string& shown_;
  std::vector<config_problem>& problems_;
};

}  // namespace

void validate_engine(const engine_config& engine, const std::string& key, const std::string& shown,
                     std::vector<config_problem>& problems) {
  engine_validator{engine, key, shown, problems}.run();
}

}  // namespace tandem
