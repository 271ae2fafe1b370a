#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tandem::testing {

/// What one connection to the server is to a test's script.
class scripted_connection {
 public:
  scripted_connection(int socket, int number) : socket_{socket}, number_{number} {}

  /// Counted from 0 in the order of accept.
  [[nodiscard]] int number() const { return number_; }

  /// One request with its body; empty: the client has closed the connection.
  std::string read_request() {
    for (;;) {
      if (auto end = buffer_.find("\r\n\r\n"); end != buffer_.npos) {
        auto size = end + 4 + body_size(buffer_.substr(0, end));
        if (buffer_.size() >= size) {
          auto request = buffer_.substr(0, size);
          buffer_.erase(0, size);
          return request;
        }
      }
      if (!receive()) return {};
    }
  }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  bool answer(std::string_view body, std::string_view type = "text/plain", int status = 200,
              std::string_view more_headers = "") {
    std::string text = "HTTP/1.1 " + std::to_string(status) + " Some\r\nContent-Type: ";
    text.append(type).append("\r\n").append(more_headers);
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    return send(text.append(body));
  }

  /// Nothing more is sent or read.
  void hang_up() { shutdown(socket_, SHUT_RDWR); }

  /// Returns when the client has closed the connection.
  void wait_for_close() {
    while (receive()) {
    }
  }

 private:
  static std::size_t body_size(const std::string& head) {
    auto found = head.find("Content-Length: ");
    return found == head.npos ? 0 : std::stoul(head.substr(found + 16));
  }

  bool receive() {
    char bytes[4096];
    auto got = recv(socket_, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  int socket_;
  int number_;
  std::string buffer_;
};

/// A server on loopback that does with each connection what the script says, in a thread each; when
/// the script returns, the connection is closed.
class scripted_server {
 public:
  using script = std::function<void(scripted_connection&)>;

  explicit scripted_server(script run) : run_{std::move(run)} {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_, 1024) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error{"no port on loopback"};
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread{[this] { accept_all(); }};
  }
  scripted_server(const scripted_server&) = delete;
  scripted_server& operator=(const scripted_server&) = delete;
  ~scripted_server() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      std::lock_guard lock{mutex_};
      for (auto socket : sockets_) shutdown(socket, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
    close(listener_);
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(std::string_view path = "") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string{path};
  }

 private:
  void accept_all() {
    for (int number = 0;; ++number) {
      int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      {
        std::lock_guard lock{mutex_};
        sockets_.push_back(socket);
      }
      threads_.emplace_back([this, socket, number] {
        scripted_connection connection{socket, number};
        run_(connection);
        // Taken out first: its number may be another connection's as soon as it is closed.
        std::lock_guard lock{mutex_};
        std::erase(sockets_, socket);
        close(socket);
      });
    }
  }

  script run_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread acceptor_;
  std::mutex mutex_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
};

}  // namespace tandem::testing
