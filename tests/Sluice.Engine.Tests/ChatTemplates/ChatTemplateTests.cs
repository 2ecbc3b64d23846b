using System.Text.Json;
using Sluice.Core;

namespace Sluice.Engine.Tests;

/// <summary>The language of templates. What is expected was taken from the Jinja documentation and is what its own
/// implementation gives.</summary>
public sealed class ChatTemplateTests
{
    [Theory]
    [InlineData("{{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }}", "7 9 3 -4 2 3.5 1024")]
    [InlineData("{{ 'a' ~ 1 ~ none ~ true }} {{ 'ab' * 2 }} {{ 'x' 'y' }}", "a1NoneTrue abab xy")]
    [InlineData("{{ 1 < 2 < 3 }} {{ 1 == 1.0 }} {{ 'b' > 'a' }} {{ 2 in [1, 2] }} {{ 'x' not in 'abc' }}", "True True True True True")]
    [InlineData("{{ none or 'x' }} {{ '' and 'y' }}{{ not '' }} {{ 'a' if false else 'b' }}{{ 'c' if false }}", "x True b")]
    [InlineData("{{ [1, 'a', none, 2.0, {'k': true}] }}", "[1, 'a', None, 2.0, {'k': True}]")]
    [InlineData("{{ (1, 2)[1] }} {{ [1, 2, 3][-1] }} {{ 'abc'[1:] }} {{ [1, 2, 3, 4][::-1] }} {{ [1, 2, 3][:-1] }}", "2 3 bc [4, 3, 2, 1] [1, 2]")]
    [InlineData("{{ '😀x'[0] }}{{ '😀x' | length }}{{ '😀x'[1:] }}", "😀2x")]
    [InlineData("{{ missing }}|{{ missing is defined }}|{{ messages[9] is defined }}|{{ none is none }}", "|False|False|True")]
    [InlineData("{{ missing | default('d') }} {{ '' | default('d', true) }} {{ none | d('x') }}", "d d None")]
    public void Expressions(string source, string expected) => Assert.Equal(expected, Render(source));

    [Theory]
    [InlineData("{{ ' a ' | trim }}{{ 'aB' | upper }}{{ 'aB' | lower }}{{ 'ab cd' | title }}{{ 'aB' | capitalize }}", "aABabAb CdAb")]
    [InlineData("{{ [1, 2] | join(', ') }} {{ [1, 2] | length }} {{ [3, 1, 2] | sort | first }} {{ [3, 1] | last }} {{ [1, 2] | sum }}", "1, 2 2 1 1 3")]
    [InlineData("{{ [{'n': 1}, {'n': 2}] | selectattr('n', 'equalto', 2) | list }}", "[{'n': 2}]")]
    [InlineData("{{ [{'n': 1}, {'n': 2}] | rejectattr('n', 'eq', 2) | map(attribute='n') | join }}", "1")]
    [InlineData("{{ ['a', 'b'] | map('upper') | list }} {{ [0, 1] | select | list }}", "['A', 'B'] [1]")]
    [InlineData("{{ {'b': 1, 'a': [1, 2.5, none, true, 'ü\"\\n']} | tojson }}", """{"b": 1, "a": [1, 2.5, null, true, "ü\"\n"]}""")]
    [InlineData("{{ {'a': [1], 'b': {}} | tojson(indent=2) }}", "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}")]
    [InlineData("{{ {'b': 1, 'a': 2} | dictsort }} {{ {'b': 1} | items | list }} {{ 'a,b' | replace(',', ';') }}", "[['a', 2], ['b', 1]] [['b', 1]] a;b")]
    [InlineData("{{ 'a\nb' | indent(2) }} {{ '%s-%d' | format('x', 3) }} {{ 3.7 | int }} {{ '4' | int + 1 }} {{ 2.567 | round(1) }}", "a\n  b x-3 3 5 2.6")]
    [InlineData("{{ [1, 1, 2] | unique | list }} {{ [1, 2] | reverse | list }} {{ -3 | abs }} {{ [2, 9] | max }}", "[1, 2] [2, 1] 3 9")]
    [InlineData("{{ ['b', 'A'] | min }} {{ [1] * 3 }} {{ none | map('upper') | list }} {{ none[1:] }} {{ 7 | round }} {{ \"it's so\" | title }}", "A [1, 1, 1] []  7 It's So")]
    [InlineData("{{ {'ü': [1, 2]} | tojson(ensure_ascii=true, separators=(',', ':')) }}", """{"\u00fc":[1,2]}""")]
    public void Filters(string source, string expected) => Assert.Equal(expected, Render(source));

    [Theory]
    [InlineData("{{ 'ab'.startswith('a') }} {{ 'a b'.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'x'.join(['a', 'b']) }}", "True ['a', 'b'] ['a', 'b,c'] axb")]
    [InlineData("{{ '--a-'.strip('-') }} {{ '  a '.lstrip() }}|{{ 'a.b.c'.rsplit('.', 1) }} {{ 'aXa'.replace('a', 'b', 1) }}", "a a |['a.b', 'c'] bXa")]
    [InlineData("{{ {'a': 1}.get('b', 2) }} {{ {'a': 1}.items() | list }} {{ {'a': 1}.keys() | list }} {{ 'abc'.find('c') }}", "2 [['a', 1]] ['a'] 2")]
    [InlineData("{{ 'a</think>b'.split('</think>')[-1].lstrip('\\n') }} {{ 'aa'.count('a') }} {{ '{} {x}'.format(1, x=2) }}", "b 2 1 2")]
    [InlineData("{{ 3 is odd }} {{ 4 is divisibleby 2 }} {{ 'a' is string }} {{ {} is mapping }} {{ [] is iterable }} {{ 1 is not number }}", "True True True True True False")]
    [InlineData("{{ ' a  b c '.split(none, 1) }}{{ ' a  b c '.rsplit(none, 1) }}{{ 'a,,b'.split(',') }}{{ 'a,b'.rsplit(',') }}{{ ''.split() }}", "['a', 'b c '][' a  b', 'c']['a', '', 'b']['a', 'b'][]")]
    [InlineData("{{ 'é😀'.replace('', '-') }}{{ 'é😀'[-1:] }}{{ 'abc'[-9:2] }}{{ 'abc'[5:] }}", "-é-😀-😀ab")]
    public void Methods_and_tests(string source, string expected) => Assert.Equal(expected, Render(source));

    [Theory]
    [InlineData("{% for x in [1, 2, 3] if x != 2 %}{{ loop.index }}{{ x }}{{ ',' if not loop.last }}{% else %}none{% endfor %}", "11,23")]
    [InlineData("{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}{% for x in [] %}{% else %}empty{% endfor %}", "a1empty")]
    [InlineData("{% for x in range(9) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}", "013")]
    [InlineData("{% set n = namespace(x=0) %}{% for i in [1, 2] %}{% set n.x = n.x + i %}{% set y = i %}{% endfor %}{{ n.x }}{{ y is defined }}", "3False")]
    [InlineData("{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c %}x{{ a }}{% endset %}{{ c | upper }}", "12X1")]
    [InlineData("{% macro m(a, b='d') %}[{{ a }}{{ b }}]{% endmacro %}{{ m(1) }}{{ m(1, b=2) }}{{ m('x') | length }}", "[1d][12]4")]
    [InlineData("{% if 0 %}a{% elif 1 %}b{% else %}c{% endif %}{% with x = 3 %}{{ x }}{% endwith %}{{ x is defined }}", "b3False")]
    [InlineData("{% raw %}{{ x }}{% endraw %}{# gone #}{% generation %}g{% endgeneration %}", "{{ x }}g")]
    [InlineData("{% for m in messages %}{{ loop.previtem.role if not loop.first }}>{{ m.role }};{% endfor %}", ">user;user>assistant;")]
    [InlineData("{{ messages | map(attribute='content') | map('trim') | join('|') }}", "Hi|Hello")]
    public void Statements(string source, string expected) => Assert.Equal(expected, Render(source));

    [Theory]
    [InlineData("a\n{% if true %}\nb\n{% endif %}\nc\n", "a\nb\nc")]
    [InlineData("a\n  {% if true %}  \n b\n  {%- endif %}\nc", "a\n  \n bc")]
    [InlineData("a  {{- 'b' -}}  c {{ 'd' }}\n e", "abc d\n e")]
    [InlineData("  {%+ if true %}x{% endif +%}\ny", "  x\ny")]
    [InlineData("{# c #}\n  {# d #}\nx", "x")]
    public void White_space_around_blocks_goes_as_it_does_for_chat_templates(string source, string expected) =>
        Assert.Equal(expected, Render(source));

    [Theory]
    [InlineData("{{ raise_exception('no system') }}", "the chat template refuses this conversation: no system")]
    [InlineData("x\n{{ missing.role }}", "chat template, line 2: 'role' of 'missing', which is undefined.")]
    [InlineData("{{ 1 + 'a' }}", "chat template, line 1: an integer + a text cannot be computed.")]
    [InlineData("{{ x | tojsn }}", "the filter 'tojsn' is not supported (did you mean 'tojson'?).")]
    [InlineData("{% include 'x' %}", "the block 'include' is not supported; expected if, for,")]
    [InlineData("{% if x %}", "the template ends within a block; expected 'endif'.")]
    [InlineData("{{ 'a }}", "a text does not end; expected '.")]
    [InlineData("{{ (1 }}", "'}' closes nothing.")]
    [InlineData("{% endfor %}", "the block 'endfor' is not supported")]
    [InlineData("{{ 9223372036854775807 + 1 }}", "exceeds 64 bits.")]
    [InlineData("{{ '{:.2f}'.format(1) }}", "nothing is given for the place '{:.2f}' of a text to be formatted.")]
    [InlineData("{{ '{'.format(1) }}", "a text to be formatted has a single '{'; expected it twice.")]
    [InlineData("{{ 1 | tojson(separators=1) }}", "separators of tojson are an integer; expected two texts.")]
    [InlineData("{{ raise_exception('x' * 9999) }}", "xxx …")]
    public void What_is_wrong_is_said_with_its_line(string source, string message) =>
        Assert.Contains(message, Assert.Throws<InputException>(() => Render(source)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{% for i in range(2000) %}{% for j in range(2000) %}{{ '' }}{% endfor %}{% endfor %}", "does not end")]
    [InlineData("{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}", "characters; expected at most")]
    [InlineData("{{ 'x' * 999999999999 }}", "characters; expected at most")]
    [InlineData("{{ range(999999999999) }}", "elements; expected at most")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "macros call one another more than")]
    [InlineData("{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}", "expected at most|does not end|more than")]
    [InlineData("{{ 'a' | indent(999999) | replace('a', 'aa' * 4000000) | replace('a', 'aaaaaaaaaaaaaaaaaaaaa') }}", "expected at most")]
    public void A_template_that_would_not_end_or_fill_the_memory_is_stopped(string source, string messages)
    {
        var message = Assert.Throws<InputException>(() => Render(source)).Message;

        Assert.Contains(messages.Split('|'), part => message.Contains(part, StringComparison.Ordinal));
    }

    [Fact]
    public void Deep_nesting_is_refused_and_does_not_end_the_process()
    {
        Assert.Throws<InputException>(() => Render("{{ " + new string('(', 200_000) + " }}"));
        Assert.Throws<InputException>(() => Render("{{ " + string.Concat(Enumerable.Repeat("not ", 200_000)) + "1 }}"));
        Assert.Throws<InputException>(() => Render(string.Concat(Enumerable.Repeat("{% if 1 %}", 80_000))));
    }

    [Fact]
    public void Tools_time_and_further_variables_reach_the_template()
    {
        var template = ChatTemplate.Parse(
            "{% if tools %}{{ tools[0].function.name }}{% endif %} {{ strftime_now('%d %b %Y') if strftime_now is defined }} "
            + "{{ enable_thinking }}{{ bos_token }}", bos: "<s>");

        var prompt = template.Render(new(Json("[]"))
        {
            Tools = Json("""[{"type": "function", "function": {"name": "f"}}]"""),
            Now = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero),
            Variables = Json("""{"enable_thinking": false}"""),
        });

        Assert.Equal("f 04 Mar 2026 False<s>", prompt);
        Assert.Equal("  <s>", template.Render(new(Json("[]"))));
    }

    [Fact]
    public void A_begin_token_that_the_tokenizer_adds_is_not_written_twice()
    {
        Assert.Equal("x", ChatTemplate.Parse("{{ bos_token }}x", bos: "<s>", dropsBos: true).Render(new(Json("[]"))));
        Assert.Equal("<s>x", ChatTemplate.Parse("{{ bos_token }}x", bos: "<s>").Render(new(Json("[]"))));
    }

    [Theory]
    [InlineData("{% for m in messages %}{{ m.content + ';' }}{% endfor %}", "one\ntwo;plain;")]
    [InlineData("{% for m in messages %}{% for p in m.content %}{{ p.text + ';' }}{% endfor %}{% endfor %}", "one;two;plain;")]
    [InlineData("{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{{ m.content | map(attribute='text') | join }}{% endif %};{% endfor %}", "onetwo;plain;")]
    public void Content_comes_in_the_shape_that_the_template_takes(string source, string expected)
    {
        var messages = Json(
            """[{"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}, {"role": "user", "content": "plain"}]""");

        Assert.Equal(expected, ChatTemplate.Parse(source).Render(new(messages)));
    }

    [Theory]
    [InlineData("""{"type": "image_url", "image_url": {"url": "data:x"}}""", "a part of type 'image_url'; this model reads text only.")]
    [InlineData("3", "a part that is no text; this model reads text only.")]
    public void What_is_no_text_is_refused_and_not_read_as_what_it_is_written_in(string part, string message)
    {
        var messages = Json($$"""[{"role": "user", "content": [{"type": "text", "text": "a"}, {{part}}]}]""");

        foreach (var source in (string[])["{{ messages[0].content }}", "{% for p in messages[0].content %}{{ p.text }}{% endfor %}"])
            Assert.EndsWith(message, Assert.Throws<InputException>(() => ChatTemplate.Parse(source).Render(new(messages))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ m.tool_calls[0].function.arguments | tojson }}", """{"a": 1}""")]
    [InlineData("{{ m.tool_calls[0].function.arguments.items() | list }}", "[['a', 1]]")]
    [InlineData("{{ 'f(' + m.tool_calls[0].function.arguments + ')' }}", """f({"a":1})""")]
    [InlineData("{{ m.content + '!' }}", "!")]
    [InlineData("{{ m.content is none }}", "True")]
    [InlineData("{% for m in messages %}[{{ m.content }}]{% endfor %}", "[]")]
    public void Arguments_of_tool_calls_and_missing_content_too(string source, string expected)
    {
        var messages = Json(
            """[{"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": "{\"a\":1}"}}]}]""");

        Assert.Equal(expected, ChatTemplate.Parse("{% set m = messages[0] %}" + source).Render(new(messages)));
    }

    [Fact]
    public void Every_well_known_template_writes_every_role()
    {
        foreach (var known in KnownTemplates.All)
        {
            var prompt = ChatTemplate.Parse(known.Source, "<s>", "</s>").Render(new(Json(
                """[{"role": "system", "content": "S"}, {"role": "user", "content": "U"}, {"role": "assistant", "content": "A"}, {"role": "user", "content": "V"}]""")));

            Assert.All("SUAV", letter => Assert.Contains(letter, prompt));
            Assert.Contains(known.Tokens[^1], prompt, StringComparison.Ordinal);
            Assert.True(prompt.IndexOf('U', StringComparison.Ordinal) < prompt.LastIndexOf('V'), known.Name);
        }
    }

    private static JsonElement Json(string json) => JsonDocument.Parse(json).RootElement;

    private static string Render(string source) => ChatTemplate.Parse(source).Render(new(Json(
        """[{"role": "user", "content": " Hi "}, {"role": "assistant", "content": "Hello"}]""")));
}
