using System.Runtime.CompilerServices;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Statements of a template: text, prints and blocks. Expressions are in <see cref="TemplateExpressionParser"/>.</summary>
internal sealed class TemplateParser
{
    private readonly TemplateTokens _tokens;
    private readonly TemplateExpressionParser _expressions;

    private TemplateParser(string source)
    {
        _tokens = new(TemplateLexer.Read(source));
        _expressions = new(_tokens);
    }

    /// <exception cref="InputException">It is no template, or one with parts that are not supported.</exception>
    public static List<TemplateStatement> Parse(string source)
    {
        var parser = new TemplateParser(source);
        var body = parser.Body();
        return parser._tokens.Is(TemplateTokenKind.End) ? body : throw parser._tokens.Unexpected("no block of this name is open");
    }

    /// <summary>Up to the end, or to a block that begins with one of these names: past its begin, before its name.</summary>
    private List<TemplateStatement> Body(params ReadOnlySpan<string> until)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw _tokens.Wrong("blocks are nested too deeply.");
        var body = new List<TemplateStatement>();
        while (!_tokens.Is(TemplateTokenKind.End))
        {
            var token = _tokens.Next();
            if (token.Kind == TemplateTokenKind.Data)
            {
                body.Add(new DataStatement(token.Line, token.Text));
            }
            else if (token.Kind == TemplateTokenKind.VariableBegin)
            {
                body.Add(new PrintStatement(token.Line, _expressions.Tuple()));
                _tokens.Take(TemplateTokenKind.VariableEnd);
            }
            else
            {
                if (_tokens.Is(TemplateTokenKind.Name) && until.Contains(_tokens.Current.Text)) return body;
                body.Add(Block());
            }
        }

        if (until.Length > 0) throw _tokens.Wrong($"the template ends within a block; expected '{until[^1]}'.");
        return body;
    }

    private TemplateStatement Block()
    {
        var name = _tokens.Take(TemplateTokenKind.Name);
        switch (name.Text)
        {
            case "if": return If(name.Line);
            case "for": return For(name.Line);
            case "set": return Set(name.Line);
            case "macro": return Macro(name.Line);
            case "with": return With(name.Line);
            case "filter":
                var filters = _expressions.Filters();
                return new FilterBlockStatement(name.Line, filters, Rest("endfilter"));
            case "generation": return new PlainBlockStatement(name.Line, Rest("endgeneration"));
            case "do":
                var action = _expressions.Tuple();
                _tokens.Take(TemplateTokenKind.BlockEnd);
                return new DoStatement(name.Line, action);
            case "break" or "continue":
                _tokens.Take(TemplateTokenKind.BlockEnd);
                return new JumpStatement(name.Line, name.Text == "break" ? Flow.Break : Flow.Continue);
            case var other:
                throw TemplateLexer.Wrong(name.Line, $"the block '{other}' is not supported; expected if, for, set, macro, with, "
                    + "filter, generation, do, break or continue.");
        }
    }

    /// <summary>A body up to its end, and past it.</summary>
    private List<TemplateStatement> Rest(string end)
    {
        _tokens.Take(TemplateTokenKind.BlockEnd);
        var body = Body(end);
        CloseBlock();
        return body;
    }

    private void CloseBlock()
    {
        _tokens.Take(TemplateTokenKind.Name);
        if (_tokens.Is(TemplateTokenKind.Name)) _tokens.Next(); // endmacro may repeat the name.
        _tokens.Take(TemplateTokenKind.BlockEnd);
    }

    private IfStatement If(int line)
    {
        var branches = new List<(TemplateExpression, List<TemplateStatement>)>();
        while (true)
        {
            var condition = _expressions.Tuple();
            _tokens.Take(TemplateTokenKind.BlockEnd);
            branches.Add((condition, Body("elif", "else", "endif")));
            if (!_tokens.TryTakeName("elif")) break;
        }

        return new(line, branches, ElseUntil("endif"));
    }

    private List<TemplateStatement> ElseUntil(string end)
    {
        if (_tokens.TryTakeName("else")) return Rest(end);
        CloseBlock();
        return [];
    }

    private ForStatement For(int line)
    {
        var target = Target();
        if (!_tokens.TryTakeName("in")) throw _tokens.Unexpected("expected 'in'");
        var over = _expressions.TupleWithoutCondition();
        var condition = _tokens.TryTakeName("if") ? _expressions.Expression() : null;
        if (_tokens.TryTakeName("recursive")) throw _tokens.Wrong("recursive loops are not supported.");
        _tokens.Take(TemplateTokenKind.BlockEnd);
        var body = Body("else", "endfor");
        return new(line, target, over, condition, body, ElseUntil("endfor"));
    }

    private TemplateStatement Set(int line)
    {
        var target = Target();
        if (_tokens.TryTakeOperator("="))
        {
            var value = _expressions.Tuple();
            _tokens.Take(TemplateTokenKind.BlockEnd);
            return new SetStatement(line, target, value);
        }

        List<FilterExpression> filters = _tokens.TryTakeOperator("|") ? _expressions.Filters() : [];
        return new SetBlockStatement(line, target, filters, Rest("endset"));
    }

    private AssignTarget Target()
    {
        var isParenthesised = _tokens.TryTakeOperator("(");
        var first = _tokens.Take(TemplateTokenKind.Name);
        if (!isParenthesised && _tokens.TryTakeOperator("."))
            return new([_tokens.Take(TemplateTokenKind.Name).Text], unpacks: false, new NameExpression(first.Line, first.Text));

        var names = new List<string> { first.Text };
        var unpacks = false;
        while (_tokens.TryTakeOperator(","))
        {
            unpacks = true;
            if (_tokens.Is(TemplateTokenKind.Name) && _tokens.Current.Text != "in") names.Add(_tokens.Next().Text);
        }

        if (isParenthesised) _tokens.TakeOperator(")");
        return new(names, unpacks);
    }

    private MacroStatement Macro(int line)
    {
        var name = _tokens.Take(TemplateTokenKind.Name).Text;
        var parameters = new List<(string, TemplateExpression?)>();
        _tokens.TakeOperator("(");
        while (!_tokens.TryTakeOperator(")"))
        {
            if (parameters.Count > 0) _tokens.TakeOperator(",");
            if (_tokens.TryTakeOperator(")")) break;
            var parameter = _tokens.Take(TemplateTokenKind.Name).Text;
            parameters.Add((parameter, _tokens.TryTakeOperator("=") ? _expressions.Expression() : null));
        }

        return new(line, name, parameters, Rest("endmacro"));
    }

    private WithStatement With(int line)
    {
        var variables = new List<(string, TemplateExpression)>();
        while (!_tokens.Is(TemplateTokenKind.BlockEnd))
        {
            if (variables.Count > 0) _tokens.TakeOperator(",");
            var name = _tokens.Take(TemplateTokenKind.Name).Text;
            _tokens.TakeOperator("=");
            variables.Add((name, _expressions.Expression()));
        }

        return new(line, variables, Rest("endwith"));
    }
}

/// <summary>Tokens of a template with a place among them.</summary>
internal sealed class TemplateTokens(List<TemplateToken> tokens)
{
    private int _at;

    public TemplateToken Current => tokens[_at];

    public bool Is(TemplateTokenKind kind) => Current.Kind == kind;

    public bool IsOperator(string symbol) => Current.Kind == TemplateTokenKind.Operator && Current.Text == symbol;

    public bool IsName(string name) => Current.Kind == TemplateTokenKind.Name && Current.Text == name;

    /// <summary>Moves on; the end stays where it is.</summary>
    public TemplateToken Next() => tokens[_at < tokens.Count - 1 ? _at++ : _at];

    public TemplateToken Take(TemplateTokenKind kind) => Is(kind) ? Next() : throw Unexpected($"expected {Describe(kind)}");

    public void TakeOperator(string symbol)
    {
        if (!TryTakeOperator(symbol)) throw Unexpected($"expected '{symbol}'");
    }

    public bool TryTakeOperator(string symbol)
    {
        if (!IsOperator(symbol)) return false;
        Next();
        return true;
    }

    public bool TryTakeName(string name)
    {
        if (!IsName(name)) return false;
        Next();
        return true;
    }

    public InputException Wrong(string message) => TemplateLexer.Wrong(Current.Line, message);

    public InputException Unexpected(string expected) => Wrong(
        $"{(Current.Text.Length > 0 ? $"'{Current.Text}'" : Describe(Current.Kind))} is unexpected: {expected}.");

    private static string Describe(TemplateTokenKind kind) => kind switch
    {
        TemplateTokenKind.VariableBegin => "'{{'",
        TemplateTokenKind.VariableEnd => "'}}'",
        TemplateTokenKind.BlockBegin => "'{%'",
        TemplateTokenKind.BlockEnd => "'%}'",
        TemplateTokenKind.End => "the end of the template",
        _ => $"a {kind.ToString().ToLowerInvariant()}",
    };
}
