using System.Text;
using System.Text.Json;
using Sluice.Core;

namespace Sluice.Engine.Tests;

/// <summary>Whatever a file brings as its template ends, in a prompt or in an error that says what is wrong.</summary>
public sealed class TemplateFuzzTests
{
    private static readonly string[] s_parts =
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", " ", "\n", "if ", "else ", "elif ", "endif ", "for ", "x in ", "endfor ", "set ", "x",
        "=", "endset ", "macro m(a) ", "endmacro ", "m(1)", "raw ", "endraw ", "filter ", "upper", "endfilter ", "with ", "endwith ", "break ",
        "|", "trim", "join(',')", "map('upper')", "tojson", "length", "sort", ".", ".items()", ".split()", "[", "]", "[-1]", "[1:]", "(", ")",
        "{", "}", ":", ",", "'a'", "\"b\"", "'", "\\", "1", "1.5", "1e9", "-1", "none", "true", "messages", "messages[0]", "role", "content",
        "loop.index", "range(9)", "namespace(a=1)", "is ", "not ", "defined", "in ", "and ", "or ", "*", "**", "/", "//", "%", "~", "==", "<",
        "raise_exception('x')", "é", "😀", "\ud800", "\0", "999999999999", "9223372036854775807", "caller", "include 'x'", "do ", "recursive",
    ];

    /// <summary>Statements and expressions that fit together, so that some of them also run.</summary>
    private static readonly string[] s_statements =
    [
        "{{ ~ }}", "{% if ~ %}~{% endif %}", "{% for x in ~ %}~{% endfor %}", "{% for x in range(3000) %}~{% endfor %}", "{% set x = ~ %}",
        "{% set x %}~{% endset %}", "{% macro m(a) %}~{% endmacro %}", "{{ m(~) }}", "{% filter upper %}~{% endfilter %}", "{{- ~ -}}", "text",
    ];

    private static readonly string[] s_expressions =
    [
        "x", "messages", "'a,b ' * 3000", "x ~ x", "x + x", "[x, x]", "{'k': x}", "x | join", "x | tojson", "x | string", "x | list", "x[1:]",
        "x[::-1]", "x.split(',')", "x.replace('a', 'bbbb')", "x == x", "x | map('upper')", "x | sort", "x | unique", "(x)", "not x", "-x",
        "x * 99", "x % 3", "x ** 9", "x in x", "x | length", "x.items()", "range(99999)", "x | indent(9)", "x | replace('', x)", "m(x)",
        "'%s%s' % (x, x)", "'{}{}'.format(x, x)", "x if x else 1", "x | batch", "x | default(x)", "x.strip(x)", "x | sum", "x | max", "x < x",
    ];

    [Fact]
    public void Parts_in_any_order_end_in_a_prompt_or_an_error()
    {
        var random = new Rng(41);
        for (var i = 0; i < 20_000; i++)
        {
            var source = new StringBuilder(random.Next(2) == 0 ? "{{ " : "{% ");
            for (var n = random.Next(30); n >= 0; n--) source.Append(s_parts[random.Next(s_parts.Length)]);
            Try(source.ToString());
        }
    }

    [Fact]
    public void Programs_that_double_and_loop_end_in_a_prompt_or_an_error()
    {
        var random = new Rng(42);
        for (var i = 0; i < 60; i++) Try("{% set x = 'a,b' %}" + Grown("~~~~~~", depth: 0));

        string Grown(string text, int depth)
        {
            var grown = new StringBuilder();
            foreach (var c in text)
                grown.Append(c != '~' ? c
                    : depth < 3 && random.Next(3) > 0 ? Grown(s_statements[random.Next(s_statements.Length)], depth + 1)
                    : depth > 0 ? s_expressions[random.Next(s_expressions.Length)] : " ");
            return grown.ToString();
        }
    }

    /// <summary>A minute each, and more, where the work were that of the square.</summary>
    [Theory]
    [InlineData("{{ ", "'a' ", "}}")]
    [InlineData("{% raw %}", "{%", "{% endraw %}")]
    [InlineData("{{ 1", "+1", " }}")]
    [InlineData("{{ x", ".a", " }}")]
    [InlineData("{{ x", "|e", " }}")]
    [InlineData("", "{{'a'}}", "")]
    [InlineData("", "{# c #}", "")]
    [InlineData("", " \n{% set x = 1 %}", "")]
    [InlineData("{{ x | ", "a", " }}")]
    [InlineData("{{ [", "1,", "] }}")]
    public void A_long_template_is_read_in_time_with_its_length(string begin, string pattern, string end) =>
        Try(begin + string.Concat(Enumerable.Repeat(pattern, 500_000 / pattern.Length)) + end);

    [Theory]
    [InlineData("{{ x.split(',') | length }}", "500001")]
    [InlineData("{{ x.rsplit(',', 1) | length }}{{ x.split(none, 3) | length }}", "21")]
    [InlineData("{{ x.split(',')[-1] }}{{ x[0] }}{{ x[-1:] }}{{ x[2:][:1] }}", ",,,")]
    [InlineData("{{ x.replace(',', '') }}{{ ',a' in x }}{{ x | trim(',') }}", "False")]
    public void A_long_message_is_handled_in_time_with_its_length(string source, string expected)
    {
        var template = ChatTemplate.Parse("{% set x = messages[0].content %}" + source);
        var messages = JsonSerializer.SerializeToElement(new[] { new { role = "user", content = new string(',', 500_000) } });

        Assert.Equal(expected, template.Render(new(messages)));
    }

    /// <summary>Each would take minutes if only evaluations counted, and not how much there is to go through.</summary>
    [Theory]
    [InlineData("x.upper()")]
    [InlineData("x | length")]
    [InlineData("x == y")]
    [InlineData("x.find('b')")]
    [InlineData("x.strip('b')")]
    [InlineData("x[1]")]
    [InlineData("x[1:3]")]
    [InlineData("x | wordcount")]
    [InlineData("x < y")]
    [InlineData("y in x")]
    [InlineData("{x: 1}")]
    [InlineData("{}[x]")]
    [InlineData("{}.get(x)")]
    [InlineData("l | list | length")]
    [InlineData("l | reverse | first")]
    [InlineData("l | join | length")]
    [InlineData("l | map('string') | first")]
    [InlineData("l.count(1)")]
    public void Work_on_long_values_counts(string expression)
    {
        const string values = "{% set x = 'ab' * 4000000 %}{% set y = 'ab' * 4000000 %}{% set l = [''] * 500000 %}";

        Assert.Contains("does not end", Assert.Throws<InputException>(() => ChatTemplate.Parse(
            values + "{% for i in range(99999) %}{% if " + expression + " %}{% endif %}{% endfor %}").Render(new(Messages))).Message,
            StringComparison.Ordinal);
    }

    private static JsonElement Messages => JsonDocument.Parse("""[{"role": "user", "content": "Hi"}]""").RootElement;

    private static void Try(string source)
    {
        try
        {
            ChatTemplate.Parse(source).Render(new(Messages));
        }
        catch (InputException e)
        {
            Assert.NotEmpty(e.Message);
        }
    }
}
