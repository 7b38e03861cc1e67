namespace Mdl.Dsl.Syntax;

/// <summary>
/// An expression while it is being put together. Outer is its place with the parentheses around it, which have no node of their own but belong to
/// the span of whatever they are part of. Height bounds what later passes recurse over: chains of operators nest without nested text.
/// </summary>
internal readonly record struct Operand(ExpressionSyntax Node, Span Outer, int Height)
{
    public static Operand Leaf(ExpressionSyntax node) => new(node, node.Span, 1);

    public static Operand Of(ExpressionSyntax node, IEnumerable<Operand> children) => new(node, node.Span, 1 + children.Select(c => c.Height).DefaultIfEmpty().Max());

    public static Operand Binary(Operand left, Token sign, Operand right)
        => Of(new BinarySyntax(sign.Text, sign.Span, left.Node, right.Node, Span.Between(left.Outer, right.Outer)), [left, right]);

    /// <summary>The negated operand; a number becomes a negative number.</summary>
    public static Operand Negate(Token sign, Operand operand)
    {
        var span = Span.Between(sign.Span, operand.Outer);
        return operand.Node is NumberSyntax number
            ? Leaf(new NumberSyntax(0 - number.Value, number.IsInteger, span))
            : Of(new NegateSyntax(operand.Node, span), [operand]);
    }

    public bool IsTooTall => Height > ParseContext.MaximumDepth;
}
