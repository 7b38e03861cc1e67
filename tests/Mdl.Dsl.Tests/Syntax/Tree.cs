using System.Collections;
using System.Collections.Concurrent;
using System.Reflection;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Tests.Syntax;

/// <summary>Walks trees by their properties, so that a new kind of node is walked too.</summary>
internal static class Tree
{
    private static readonly ConcurrentDictionary<Type, PropertyInfo[]> Properties = new();

    public static IEnumerable<SyntaxNode> Children(SyntaxNode node) => Properties
        .GetOrAdd(node.GetType(), type => type.GetProperties().Where(p => !p.PropertyType.IsPrimitive && p.PropertyType != typeof(string)).ToArray())
        .Select(property => property.GetValue(node))
        .SelectMany(value => value switch
        {
            SyntaxNode child => [child],
            IEnumerable items and not string => items.OfType<SyntaxNode>(),
            _ => Enumerable.Empty<SyntaxNode>(),
        })
        .OrderBy(child => child.Span.Start);

    public static IEnumerable<SyntaxNode> All(SyntaxNode node) => Children(node).SelectMany(All).Prepend(node);

    /// <summary>Throws where a span is not what it must be: inside the text and the parent, after its left neighbour, tight around its words.</summary>
    public static void Check(SourceText source, ParseResult result)
    {
        foreach (var node in All(result.File))
        {
            Require(node.Span.Start >= 0 && node.Span.End <= source.Text.Length, node, "lies outside the text");
            var end = node.Span.Start;
            foreach (var child in Children(node))
            {
                Require(child.Span.Start >= end && child.Span.End <= node.Span.End, child, "lies outside its parent or overlaps its neighbour");
                end = child.Span.End;
            }

            if (node is not FileSyntax)
            {
                CheckText(node, source.Text.Substring(node.Span.Start, node.Span.Length));
            }
        }

        foreach (var diagnostic in result.Diagnostics)
        {
            Assert.InRange(diagnostic.Span.Start, 0, source.Text.Length);
            Assert.InRange(diagnostic.Span.End, 0, source.Text.Length);
            Assert.Contains(DiagnosticIds.All, kind => kind.Id == diagnostic.Id);
            Assert.Equal(source.Path, diagnostic.Path);
        }
    }

    /// <summary>As Assert.True, but writes the node, which takes long, only where it fails.</summary>
    private static void Require(bool holds, SyntaxNode node, string otherwise)
    {
        if (!holds)
        {
            Assert.Fail($"{node} {otherwise}");
        }
    }

    private static void CheckText(SyntaxNode node, string text)
    {
        Assert.NotEqual("", text);
        Require(!char.IsWhiteSpace(text[0]) && !char.IsWhiteSpace(text[^1]), node, "has blanks at its ends");
        switch (node)
        {
            case Name name:
                Assert.Equal(name.Text, text);
                break;
            case NameSyntax name:
                Assert.Equal(name.Text, text);
                break;
            case EllipsisSyntax:
                Assert.Equal("..", text);
                break;
            case NumberSyntax number:
                Assert.True(text[0] == '-' || char.IsDigit(text[0]), text);
                Assert.False(double.IsInfinity(number.Value) || double.IsNaN(number.Value), text);
                break;
            case TupleSyntax:
                Assert.Equal('(', text[0]);
                Assert.Equal(')', text[^1]);
                break;
            case ListSyntax:
                Assert.Equal('[', text[0]);
                Assert.Equal(']', text[^1]);
                break;
            case CallSyntax:
                Assert.Equal(')', text[^1]);
                break;
            case IndexSyntax:
                Assert.Equal(']', text[^1]);
                break;
            case TransposeSyntax:
                Assert.Equal('\'', text[^1]);
                break;
            case RepeatSyntax:
                Assert.StartsWith("repeat", text, StringComparison.Ordinal);
                Assert.Equal('}', text[^1]);
                break;
        }
    }
}
