#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include <caf/deserializer.hpp>
#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/serializer.hpp>

#include <capnp/message.h>
#include <capnp/schema.h>
#include <capnp/serialize.h>

#include "schema/errc.hpp"

namespace tandem {

/// What bytes from outside may claim. A message above this is refused before anything is allocated.
struct message_limits {
  /// 1 MiB: what one CAF message may carry. Bigger payloads travel in chunks.
  std::size_t words_max = std::size_t{1u << 20} / sizeof(capnp::word);
  /// Structs within lists within structs.
  int nesting_max = 16;
};

/// The largest journal record that is read back: a whole answer and its attempt.
inline constexpr message_limits record_limits{.words_max = (64u << 20) / sizeof(capnp::word),
                                              .nesting_max = 16};

/// Immutable words of one flat Cap'n Proto message. A copy copies a pointer.
class message_words {
 public:
  message_words() = default;
  message_words(std::shared_ptr<const capnp::word[]> words, std::size_t size)
      : words_{std::move(words)}, size_{size} {}

  /// Flattens what `builder` holds: one allocation and one copy.
  [[nodiscard]] static message_words flatten(capnp::MessageBuilder& builder);

  /// Copies `bytes` and checks all of it against `schema`: size, segments, nesting, pointers, list
  /// sizes, text (terminated, UTF-8) and enum values. Reading a checked message never throws.
  /// `malformed_message` says what is wrong.
  [[nodiscard]] static caf::expected<message_words> parse(std::span<const std::byte> bytes,
                                                          capnp::StructSchema schema,
                                                          const message_limits& limits);

  /// The same for words that are there already.
  [[nodiscard]] caf::error check(capnp::StructSchema schema, const message_limits& limits) const;

  [[nodiscard]] kj::ArrayPtr<const capnp::word> words() const { return {words_.get(), size_}; }
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return std::as_bytes(std::span{words_.get(), size_});
  }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  std::shared_ptr<const capnp::word[]> words_;
  std::size_t size_ = 0;
};

[[nodiscard]] caf::error save_words(caf::serializer& sink, const message_words& words);
[[nodiscard]] caf::error load_words(caf::deserializer& source, capnp::StructSchema schema,
                                    message_words& words);

/// Reads one message. A shared reader's traversal limit adds up until it throws, so every handler
/// makes its own (some 76 ns); it must not outlive the message.
template <class T>
class message_reader {
 public:
  explicit message_reader(const message_words& words)
      : flat_{words.words(), {.traversalLimitInWords = ~std::uint64_t{0}, .nestingLimit = 64}},
        root_{flat_.getRoot<T>()} {}

  message_reader(const message_reader&) = delete;
  message_reader& operator=(const message_reader&) = delete;

  const typename T::Reader* operator->() const { return &root_; }
  typename T::Reader operator*() const { return root_; }

 private:
  capnp::FlatArrayMessageReader flat_;
  typename T::Reader root_;
};

/// One message between actors, typed by its schema struct: immutable, reference-counted. Sent
/// within a process it copies a pointer; to another node it copies the flat bytes once.
template <class T>
class message {
 public:
  using schema_type = T;

  message() = default;
  explicit message(message_words words) : words_{std::move(words)} {}

  [[nodiscard]] static caf::expected<message> parse(std::span<const std::byte> bytes,
                                                    const message_limits& limits = {}) {
    auto words = message_words::parse(bytes, capnp::Schema::from<T>(), limits);
    if (!words) return std::move(words.error());
    return message{std::move(*words)};
  }

  /// Precondition: not empty.
  [[nodiscard]] message_reader<T> read() const { return message_reader<T>{words_}; }
  [[nodiscard]] bool empty() const { return words_.empty(); }
  [[nodiscard]] std::span<const std::byte> bytes() const { return words_.bytes(); }
  [[nodiscard]] const message_words& words() const { return words_; }

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, message& x) {
    if constexpr (std::is_base_of_v<caf::serializer, Inspector>) {
      return save_words(f, x.words_);
    } else if constexpr (std::is_base_of_v<caf::deserializer, Inspector>) {
      return load_words(f, capnp::Schema::from<T>(), x.words_);
    } else {
      // Printing and hashing see the size alone: texts of users stay out of logs.
      auto size = x.bytes().size();
      return f(size);
    }
  }

 private:
  message_words words_;
};

/// Builds one message; small ones without touching the heap but for the result.
///   message_builder<schema::Submit> b; b->setTenant("t"); auto m = b.finish();
template <class T>
class message_builder {
 public:
  message_builder()
      : scratch_{}, arena_{kj::arrayPtr(scratch_, scratch_words)}, root_{arena_.initRoot<T>()} {}
  message_builder(const message_builder&) = delete;
  message_builder& operator=(const message_builder&) = delete;

  typename T::Builder* operator->() { return &root_; }
  typename T::Builder operator*() { return root_; }

  /// Starts from a copy of `reader`.
  void copy(typename T::Reader reader) {
    arena_.setRoot(reader);
    root_ = arena_.getRoot<T>();
  }

  [[nodiscard]] message<T> finish() { return message<T>{message_words::flatten(arena_)}; }

 private:
  static constexpr std::size_t scratch_words = 128;
  capnp::word scratch_[scratch_words];
  capnp::MallocMessageBuilder arena_;
  typename T::Builder root_;
};

}  // namespace tandem
