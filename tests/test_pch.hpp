#pragma once

// Precompiled once and shared by every test program.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>
#include <sstream>
#include <thread>

#include "schema/caf_pch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
