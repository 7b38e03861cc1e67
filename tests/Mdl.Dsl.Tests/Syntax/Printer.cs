using System.Globalization;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Tests.Syntax;

/// <summary>Writes a node with all its parentheses, so that structure shows. What it writes of an expression or statement body parses to the same structure.</summary>
internal static class Printer
{
    public static string Print(SyntaxNode node) => node switch
    {
        NumberSyntax { IsInteger: true } n => ((long)n.Value).ToString(CultureInfo.InvariantCulture),
        NumberSyntax n => n.Value.ToString("R", CultureInfo.InvariantCulture),
        StringSyntax s => "\"" + s.Value.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n").Replace("\t", "\\t") + "\"",
        NameSyntax n => n.Text,
        EllipsisSyntax => "..",
        TupleSyntax t => $"({List(t.Items)})",
        ListSyntax l => $"[{List(l.Items)}]",
        NegateSyntax n => $"(-{Print(n.Operand)})",
        TransposeSyntax t => $"{Print(t.Operand)}'",
        BinarySyntax b => $"({Print(b.Left)} {b.Operator} {Print(b.Right)})",
        CallSyntax c => $"{Print(c.Callee)}({List(c.Arguments)})",
        CallArgumentSyntax a => a.Name is null ? Print(a.Value) : $"{a.Name}: {Print(a.Value)}",
        IndexSyntax i => $"{Print(i.Operand)}[{List(i.Indices)}]",
        MemberSyntax m => $"{Print(m.Operand)}.{m.Member}",
        AppliedNameSyntax a => $"{a.Name} {Print(a.Value)}",
        RepeatSyntax r => $"repeat {Print(r.Count)} {{ {Print(r.Body)} }}",
        TypeSyntax t => $"{t.Element}[{List(t.Shape)}]{(t.Storage == "" ? "" : " in " + t.Storage)}",
        ParamSyntax p => $"param {p.Name}: {Print(p.Type)}{(p.Initial is null ? "" : " = " + Print(p.Initial))}",
        StateSyntax s => $"state {s.Name}: {Print(s.Type)}{(s.Initial is null ? "" : " = " + Print(s.Initial))}",
        LetSyntax l => $"let {l.Name} = {Print(l.Value)}",
        AssignSyntax a => $"{string.Join(", ", a.Targets)} {a.Operator} {Print(a.Value)}",
        ReturnSyntax r => $"return {(r.Label is null ? "" : r.Label + " = ")}{List(r.Values)}",
        LossSyntax l => $"loss {Print(l.Value)}",
        AfterStepSyntax a => $"after step {{ {List(a.Body, "; ")} }}",
        MtpSyntax m => $"mtp depth {Print(m.Depth)}, weight {Print(m.Weight)} {{ {List(m.Body, "; ")} }}",
        _ => throw new ArgumentException(node.GetType().Name),
    };

    private static string List(IEnumerable<SyntaxNode> nodes, string separator = ", ") => string.Join(separator, nodes.Select(Print));
}
