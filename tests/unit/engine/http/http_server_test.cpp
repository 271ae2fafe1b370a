#include "actors/engine/http/http_server.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/errc.hpp"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

engine_config config_of(std::string url) {
  engine_config config;
  config.name = "far";
  config.kind = "http";
  config.model = "large";
  config.http.url = std::move(url);
  return config;
}

std::string error_of(const engine_config& config) {
  auto opened = http_server::open(config);
  if (opened) return "opened";
  EXPECT_EQ(code_of(opened.error()), errc::invalid_argument);
  return message_of(opened.error());
}

class key_file {
 public:
  explicit key_file(std::string_view content)
      : path_{std::filesystem::temp_directory_path() /
              ("tandem-key-" + std::to_string(getpid()) + "-" + std::to_string(++count_))} {
    std::ofstream{path_} << content;
  }
  ~key_file() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  static inline int count_ = 0;
  std::filesystem::path path_;
};

TEST(HttpServer, TakesAUrlWithOrWithoutPathAndVersion) {
  for (auto [url, chat] : {std::pair{"http://h:1", "http://h:1/v1/chat/completions"},
                           std::pair{"http://h:1/", "http://h:1/v1/chat/completions"},
                           std::pair{"http://h:1/v1", "http://h:1/v1/chat/completions"},
                           std::pair{"https://h/api/v1/", "https://h/api/v1/chat/completions"}}) {
    auto server = http_server::open(config_of(url));
    ASSERT_TRUE(server) << url;
    EXPECT_EQ(server->chat()->url, chat);
  }
}

TEST(HttpServer, SaysWhatIsWrongWithAUrl) {
  EXPECT_THAT(error_of(config_of("")), HasSubstr("missing"));
  EXPECT_THAT(error_of(config_of("h:1")), HasSubstr("http://"));
  EXPECT_THAT(error_of(config_of("ftp://h")), HasSubstr("http://"));
  EXPECT_THAT(error_of(config_of("http://")), HasSubstr("no host"));
  EXPECT_THAT(error_of(config_of("http://a b")), HasSubstr("blank"));
  EXPECT_THAT(error_of(config_of("http://h/?x=1")), HasSubstr("path"));
  auto with_password = error_of(config_of("http://me:secret@h"));
  EXPECT_THAT(with_password, HasSubstr("api_key_file"));
  EXPECT_THAT(with_password, Not(HasSubstr("secret")));
}

TEST(HttpServer, SendsTheKeyOfAFileOrOfTheEnvironment) {
  key_file file{"  sk-1\n"};
  auto config = config_of("http://h");
  config.http.api_key_file = file.path();
  auto server = http_server::open(config);
  ASSERT_TRUE(server);
  EXPECT_THAT(server->get("/x")->headers, ElementsAre("Authorization: Bearer sk-1"));
  EXPECT_THAT(server->key_source(), HasSubstr(file.path().string()));
  config.http.api_key_file.clear();
  config.http.api_key_env = "TANDEM_TEST_KEY";
  setenv("TANDEM_TEST_KEY", "sk-2", 1);
  server = http_server::open(config);
  unsetenv("TANDEM_TEST_KEY");
  ASSERT_TRUE(server);
  EXPECT_THAT(server->get("/x")->headers, ElementsAre("Authorization: Bearer sk-2"));
}

TEST(HttpServer, SaysWhatIsWrongWithAKeyWithoutShowingIt) {
  auto config = config_of("http://h");
  config.http.api_key_env = "TANDEM_TEST_NO_SUCH_KEY";
  EXPECT_THAT(error_of(config), HasSubstr("TANDEM_TEST_NO_SUCH_KEY"));
  config.http.api_key_file = "/no/such/file";
  EXPECT_THAT(error_of(config), HasSubstr("exclude each other"));
  config.http.api_key_env.clear();
  EXPECT_THAT(error_of(config), HasSubstr("cannot be read"));
  const std::vector<std::string> bad{"", "\n", "sk-1\r\nX-Other: 1", "sk 1",
                                     std::string(9000, 'k')};
  for (const auto& content : bad) {
    key_file file{content};
    config.http.api_key_file = file.path();
    auto error = error_of(config);
    EXPECT_THAT(error, HasSubstr("api_key_file"));
    EXPECT_THAT(error, Not(HasSubstr("sk-1")));
  }
}

TEST(HttpServer, RefusesUnknownServersAndMissingAuthorities) {
  auto config = config_of("http://h");
  config.http.server = "ollama";
  EXPECT_THAT(error_of(config), HasSubstr("llama.cpp"));
  config.http.server = "vllm";
  config.http.ca_file = "/no/such/ca.pem";
  EXPECT_THAT(error_of(config), HasSubstr("/no/such/ca.pem"));
}

TEST(HttpServer, StrikesItsKeyOutOfTexts) {
  key_file file{"sk-1"};
  auto config = config_of("http://h");
  config.http.api_key_file = file.path();
  EXPECT_EQ(http_server::open(config)->without_key("the key sk-1 (sk-1) is bad"),
            "the key *** (***) is bad");
}

}  // namespace
}  // namespace tandem
