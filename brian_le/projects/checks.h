// Checks of arguments, files and results of this program, see README.txt.
#ifndef BRIAN_LE_CHECKS_H
#define BRIAN_LE_CHECKS_H

#include <cerrno>
#include <cfloat>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "objects.h"

namespace brian_le_checks {

// kinds: f, d floating point of 4 and 8 bytes; i, l whole numbers of 4 and 8 bytes; b truths
struct Variable { const char* name; char kind; };
struct File { const char* name; long long bytes; char kind; const char* variable; };

static const Variable variables[] = {
%(variables)s
    {0, 0}};

static const File inputs[] = {
%(inputs)s
    {0, 0, 0, 0}};

static const char* const first_result = "%(first)s";

inline void fail(const std::string& message, int code = 2)
{
    std::cerr << "error: " << message << std::endl;
    std::exit(code);
}

inline long long size_of(const std::string& path)
{
    std::ifstream file(path.c_str(), std::ios::in | std::ios::binary | std::ios::ate);
    return file.is_open() ? (long long) file.tellg() : -1;
}

inline bool is_number(const std::string& text, char kind)
{
    char* end = 0;
    errno = 0;
    if (kind == 'f' || kind == 'd')
    {
        const double number = std::strtod(text.c_str(), &end), size = number < 0 ? -number : number;
        return *end == 0 && text.find_first_not_of("0123456789+-.eE") == std::string::npos
            && !(errno == ERANGE && size > 1) && (kind == 'd' || size <= FLT_MAX);
    }
    const long long number = std::strtoll(text.c_str(), &end, 10);
    return *end == 0 && errno == 0 && (kind == 'l' || (kind == 'b' && (number == 0 || number == 1))
        || (kind == 'i' && number >= -2147483647LL - 1 && number <= 2147483647LL));
}

inline void set(const std::string& argument)
{
    const size_t equal_sign = argument.find('=');
    if (argument == "--results_dir" || argument.compare(0, 14, "--results_dir=") == 0)
        fail("--results_dir has to come first, with a folder behind it: --results_dir FOLDER/");
    if (equal_sign == std::string::npos)
        fail("'" + argument + "' is no NAME=VALUE; README.txt lists the names");
    const std::string name = argument.substr(0, equal_sign);
    const std::string value = argument.substr(equal_sign + 1);
    const Variable* variable = variables;
    while (variable->name && name != variable->name) ++variable;
    if (!variable->name)
        fail("there is no variable '" + name + "' that can be set; README.txt lists their names");
    const bool is_word = value == "true" || value == "True" || value == "false" || value == "False";
    const char* needed = variable->kind == 'b' ? "true or false"
        : variable->kind == 'i' || variable->kind == 'l' ? "a whole number" : "a finite number";
    if (value.empty())
        fail("'" + name + "' has no value; give " + needed + " or the name of a file");
    if (value[0] == '-' || (value[0] >= '0' && value[0] <= '9'))
    {
        if (!is_number(value, variable->kind))
            fail("'" + name + "' is '" + value + "'; give " + needed + ", or a file (./" + value
                 + " if that is its name)");
    }
    else if (!is_word && size_of(value) < 0)
        fail("'" + name + "' is '" + value + "', which is no number, and there is no such file; "
             "give " + needed + " or the name of a file");
    // the rest is found by Brian2, which says so and goes on
    std::ostringstream said;
    std::streambuf* before = std::cerr.rdbuf(said.rdbuf());
    brian::set_variable_by_name(name, value);
    std::cerr.rdbuf(before);
    if (!said.str().empty())
        fail("'" + name + "' cannot be set: " + said.str().substr(0, said.str().find('\n'))
             + " (bytes)");
}

inline void start()
{
    for (const File* file = inputs; file->name; ++file)
        if (size_of(file->name) != file->bytes)
            fail(std::string("'") + file->name + "' is missing or cut short; start the program "
                 "in the folder of the project, with all of its files");
    const std::string first = brian::results_dir + first_result;
    if (!std::ofstream(first.c_str(), std::ios::out | std::ios::app | std::ios::binary).is_open())
        fail("cannot write to '" + brian::results_dir + "'; make that folder, or give another one, "
             "with / at its end: --results_dir FOLDER/");
}

inline void set_all(const std::vector<std::string>& arguments)
{
    for (size_t k = 0; k < arguments.size(); ++k) set(arguments[k]);
}

template<class T> bool is_finite(const std::string& path)
{
    std::ifstream file(path.c_str(), std::ios::in | std::ios::binary);
    T number;
    while (file.read(reinterpret_cast<char*>(&number), sizeof(T)))
    {
        // by its bits, as compilers may take for granted that numbers are finite
        unsigned char bytes[sizeof(T)];
        std::memcpy(bytes, &number, sizeof(T));
        unsigned long long bits = 0;
        std::memcpy(&bits, bytes, sizeof(T));
        const unsigned long long exponent = sizeof(T) == 8 ? 0x7ff0000000000000ULL : 0x7f800000ULL;
        if ((bits & exponent) == exponent) return false;
    }
    return true;
}

inline int end()
{
    const File results[] = {
%(results)s
        {0, 0, 0, 0}};
    for (const File* file = results; file->name; ++file)
    {
        const std::string path = brian::results_dir + file->name;
        const long long bytes = size_of(path);
        if (bytes != file->bytes)
            fail("'" + path + "' was not written to its end; is the disk full?", 3);
        if ((file->kind == 'd' && !is_finite<double>(path))
            || (file->kind == 'f' && !is_finite<float>(path)))
            fail(std::string("'") + file->variable + "' is no longer finite at the end of the run; "
                 "the results are those of a simulation that has diverged", 4);
    }
    return 0;
}

}

#endif
