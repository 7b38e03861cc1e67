namespace Mdl.Dsl.Syntax;

/// <summary>A node of the syntax tree. Spans take part in equality: trees compare by content and place.</summary>
public abstract record SyntaxNode(Span Span);

/// <summary>A name at its place.</summary>
public sealed record Name(string Text, Span Span) : SyntaxNode(Span)
{
    public override string ToString() => Text;
}

/// <summary>One <c>.mdl</c> file.</summary>
public sealed record FileSyntax(Name? Module, EquatableArray<ImportSyntax> Imports, EquatableArray<DeclarationSyntax> Declarations, Span Span) : SyntaxNode(Span);

/// <summary><c>import "blocks.mdl";</c> The path is relative to the importing file.</summary>
public sealed record ImportSyntax(string Path, Span Span) : SyntaxNode(Span);

/// <summary>A declaration at the top of a file; Doc is the text of the <c>///</c> lines before it, or "".</summary>
public abstract record DeclarationSyntax(Name Name, string Doc, Span Span) : SyntaxNode(Span);

public enum BlockKind
{
    /// <summary>Computes and may hold parameters: <c>block</c>.</summary>
    Block,

    /// <summary>Computes, holds nothing, and is called directly: <c>function</c>.</summary>
    Function,

    /// <summary>Chooses experts: its statements define <c>choose</c> and <c>gate</c>.</summary>
    Router,

    /// <summary>A whole model, the target of presets.</summary>
    Model,
}

/// <summary><c>block Name(x: [B, T, D]; heads, ffn: block, eps = 1e-6) -> [B, T, D] { ... }</c></summary>
public sealed record BlockSyntax(
    BlockKind Kind,
    Name Name,
    EquatableArray<InputSyntax> Inputs,
    EquatableArray<ArgumentSyntax> Arguments,
    EquatableArray<TypeSyntax> Results,
    EquatableArray<StatementSyntax> Body,
    string Doc,
    Span Span) : DeclarationSyntax(Name, Doc, Span);

/// <summary><c>moe Name(x: [.., D]; experts, active) { router ...; experts n of Block(...); shared 1 of Block(...); tokens dropless; }</c></summary>
public sealed record MoeSyntax(
    Name Name,
    EquatableArray<InputSyntax> Inputs,
    EquatableArray<ArgumentSyntax> Arguments,
    EquatableArray<TypeSyntax> Results,
    EquatableArray<MoeItemSyntax> Items,
    string Doc,
    Span Span) : DeclarationSyntax(Name, Doc, Span);

/// <summary><c>preset Nano of Ling { vocab: 256; ... }</c></summary>
public sealed record PresetSyntax(Name Name, Name Model, EquatableArray<SettingSyntax> Settings, string Doc, Span Span) : DeclarationSyntax(Name, Doc, Span);

/// <summary><c>checkpoint Name of Model { embed.weight = "model.embed.weight"; }</c></summary>
public sealed record CheckpointSyntax(Name Name, Name Model, EquatableArray<CheckpointItemSyntax> Items, string Doc, Span Span) : DeclarationSyntax(Name, Doc, Span)
{
    public IEnumerable<MappingSyntax> Mappings() => Items.OfType<MappingSyntax>();

    public IEnumerable<ConfigSyntax> Configs() => Items.OfType<ConfigSyntax>();
}

/// <summary><c>train Name of Model { objective next_token; optimizer adamw(lr: 1e-3); }</c>: each setting is a name and the words after it.</summary>
public sealed record TrainSyntax(Name Name, Name Model, EquatableArray<DirectiveSyntax> Directives, string Doc, Span Span) : DeclarationSyntax(Name, Doc, Span);

/// <summary>
/// <c>diffusion Moons(x: [N, d]) { score kernel(data); sampler heun(steps: 18); }</c>: each item is a <see cref="DirectiveSyntax"/> or a
/// <see cref="DiffusionTrainSyntax"/>.
/// </summary>
public sealed record DiffusionSyntax(
    Name Name,
    EquatableArray<InputSyntax> Inputs,
    EquatableArray<ArgumentSyntax> Arguments,
    EquatableArray<TypeSyntax> Results,
    EquatableArray<SyntaxNode> Items,
    string Doc,
    Span Span) : DeclarationSyntax(Name, Doc, Span);

/// <summary><c>train { optimizer: adamw(lr: 1e-3); }</c> in a diffusion.</summary>
public sealed record DiffusionTrainSyntax(EquatableArray<SettingSyntax> Settings, Span Span) : SyntaxNode(Span);

/// <summary>A tensor that a block takes: <c>x: [B, T, D]</c>.</summary>
public sealed record InputSyntax(Name Name, TypeSyntax Type, Span Span) : SyntaxNode(Span);

/// <summary>A build-time argument of a block: <c>heads</c>, <c>eps = 1e-6</c>, <c>ffn: block</c>. Kind is "" or the word after the colon.</summary>
public sealed record ArgumentSyntax(Name Name, string Kind, ExpressionSyntax? Default, Span Span) : SyntaxNode(Span);

/// <summary><c>[B, T, D]</c>, <c>int[B, T]</c>, <c>[.., D] in f32</c>. Element is "" or "int"; Storage is "" or the word after <c>in</c>.</summary>
public sealed record TypeSyntax(string Element, EquatableArray<ExpressionSyntax> Shape, string Storage, Span Span) : SyntaxNode(Span);

// Statements

public abstract record StatementSyntax(Span Span) : SyntaxNode(Span);

/// <summary><c>param weight: [out, in] in f32 = normal(0.02);</c></summary>
public sealed record ParamSyntax(Name Name, TypeSyntax Type, ExpressionSyntax? Initial, string Doc, Span Span) : StatementSyntax(Span);

/// <summary><c>state bias: [experts] in f32 = 0;</c>: kept between steps, not trained by gradients.</summary>
public sealed record StateSyntax(Name Name, TypeSyntax Type, ExpressionSyntax? Initial, string Doc, Span Span) : StatementSyntax(Span);

/// <summary><c>let norm = RmsNorm(hidden);</c>: an instance of a block, with parameters of its own.</summary>
public sealed record LetSyntax(Name Name, ExpressionSyntax Value, Span Span) : StatementSyntax(Span);

/// <summary><c>q, k, v = split(...);</c> Operator is "=" or "+=" (the latter only in <c>after step</c>).</summary>
public sealed record AssignSyntax(EquatableArray<Name> Targets, string Operator, ExpressionSyntax Value, Span Span) : StatementSyntax(Span);

/// <summary><c>return logits = h @ w';</c> Label is the optional name.</summary>
public sealed record ReturnSyntax(Name? Label, EquatableArray<ExpressionSyntax> Values, Span Span) : StatementSyntax(Span);

/// <summary><c>loss 0.01 * mean(z);</c></summary>
public sealed record LossSyntax(ExpressionSyntax Value, Span Span) : StatementSyntax(Span);

/// <summary><c>after step { bias += ...; }</c></summary>
public sealed record AfterStepSyntax(EquatableArray<StatementSyntax> Body, Span Span) : StatementSyntax(Span);

/// <summary><c>mtp depth 1, weight 0.1 { ... }</c></summary>
public sealed record MtpSyntax(ExpressionSyntax Depth, ExpressionSyntax Weight, EquatableArray<StatementSyntax> Body, string Doc, Span Span) : StatementSyntax(Span);

// Items of declarations

public enum MoeItemKind
{
    Router,
    Experts,
    Shared,
    Tokens,
}

/// <summary><c>router R(...)</c>, <c>experts n of B(...)</c>, <c>shared n of B(...)</c>, <c>tokens dropless | capacity(f)</c>. Count is null for router and tokens.</summary>
public sealed record MoeItemSyntax(MoeItemKind Kind, ExpressionSyntax? Count, ExpressionSyntax Value, Span Span) : SyntaxNode(Span);

/// <summary><c>name: value</c></summary>
public sealed record SettingSyntax(Name Name, ExpressionSyntax Value, Span Span) : SyntaxNode(Span);

/// <summary><c>path = "tensor name";</c> The path is an expression of names, members and indices.</summary>
public sealed record MappingSyntax(ExpressionSyntax Path, string Target, Span Span) : CheckpointItemSyntax(Span);

/// <summary>What stands in a checkpoint: a <see cref="MappingSyntax"/> or a <see cref="ConfigSyntax"/>.</summary>
public abstract record CheckpointItemSyntax(Span Span) : SyntaxNode(Span);

/// <summary><c>config "a" = 1 or "b" = 2 optional when n > 1;</c> Word is "", "optional" or "written".</summary>
public sealed record ConfigSyntax(EquatableArray<ConfigKeySyntax> Keys, string Word, ExpressionSyntax? Condition, Span Span) : CheckpointItemSyntax(Span);

/// <summary>A key of config.json and the value that it must have.</summary>
public sealed record ConfigKeySyntax(string Key, ExpressionSyntax Value, Span Span) : SyntaxNode(Span);

/// <summary>A name and the expressions after it: <c>schedule constant(warmup: 2000);</c>, <c>recompute layers;</c></summary>
public sealed record DirectiveSyntax(Name Name, EquatableArray<ExpressionSyntax> Values, Span Span) : SyntaxNode(Span);

// Expressions

public abstract record ExpressionSyntax(Span Span) : SyntaxNode(Span);

public sealed record NumberSyntax(double Value, bool IsInteger, Span Span) : ExpressionSyntax(Span);

public sealed record StringSyntax(string Value, Span Span) : ExpressionSyntax(Span);

public sealed record NameSyntax(string Text, Span Span) : ExpressionSyntax(Span);

/// <summary><c>..</c> in a shape: any leading axes.</summary>
public sealed record EllipsisSyntax(Span Span) : ExpressionSyntax(Span);

/// <summary><c>(0.9, 0.95)</c>: two or more values in parentheses.</summary>
public sealed record TupleSyntax(EquatableArray<ExpressionSyntax> Items, Span Span) : ExpressionSyntax(Span);

/// <summary><c>[heads, kv, kv]</c> where an expression stands.</summary>
public sealed record ListSyntax(EquatableArray<ExpressionSyntax> Items, Span Span) : ExpressionSyntax(Span);

/// <summary><c>-x</c></summary>
public sealed record NegateSyntax(ExpressionSyntax Operand, Span Span) : ExpressionSyntax(Span);

/// <summary><c>x'</c>: the last two axes swapped.</summary>
public sealed record TransposeSyntax(ExpressionSyntax Operand, Span Span) : ExpressionSyntax(Span);

/// <summary>Operator is one of <c>+ - * / @ ^ &lt; &lt;= &gt; &gt;= ==</c>.</summary>
public sealed record BinarySyntax(string Operator, Span OperatorSpan, ExpressionSyntax Left, ExpressionSyntax Right, Span Span) : ExpressionSyntax(Span);

/// <summary><c>f(x, dims: 32)</c>. Name is null for positional values.</summary>
public sealed record CallSyntax(ExpressionSyntax Callee, EquatableArray<CallArgumentSyntax> Arguments, Span Span) : ExpressionSyntax(Span);

public sealed record CallArgumentSyntax(Name? Name, ExpressionSyntax Value, Span Span) : SyntaxNode(Span);

/// <summary><c>x[i, j]</c></summary>
public sealed record IndexSyntax(ExpressionSyntax Operand, EquatableArray<ExpressionSyntax> Indices, Span Span) : ExpressionSyntax(Span);

/// <summary><c>a.b</c></summary>
public sealed record MemberSyntax(ExpressionSyntax Operand, Name Member, Span Span) : ExpressionSyntax(Span);

/// <summary><c>top 2</c>: a name followed by a number, short for <c>top(2)</c>.</summary>
public sealed record AppliedNameSyntax(Name Name, NumberSyntax Value, Span Span) : ExpressionSyntax(Span);

/// <summary><c>repeat n { Block(...) }</c>, to be called with the carried value.</summary>
public sealed record RepeatSyntax(ExpressionSyntax Count, ExpressionSyntax Body, Span Span) : ExpressionSyntax(Span);
