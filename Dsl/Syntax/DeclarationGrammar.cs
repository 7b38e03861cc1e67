using Sprache;
using static Mdl.Dsl.Syntax.Combinators;
using static Mdl.Dsl.Syntax.ExpressionGrammar;
using static Mdl.Dsl.Syntax.Terminals;

namespace Mdl.Dsl.Syntax;

/// <summary>What a file declares.</summary>
internal static class DeclarationGrammar
{
    private static readonly Parser<Token> AnyToken = Accept("a word", _ => true);

    private static readonly Parser<Name> Target =
        from of in Word("of", "'of' and a model after the name")
        from model in Named("the name of a model after 'of'")
        select model;

    private static readonly Parser<DeclarationSyntax> Block =
        from word in AnyToken
        from name in Identifier
        from signature in TypeGrammar.Signature
        from body in StatementGrammar.Body("before the body", $"'{name.Text}'")
        select new BlockSyntax(
            KindOf(word.Text), name, signature.Inputs, signature.Arguments, signature.Results, body.Items, word.Doc, Span.Between(word.Span, body.End));

    // Items of moe

    private static readonly Parser<MoeItemSyntax> Router = MoeItem(MoeItemKind.Router, "router");

    private static readonly Parser<MoeItemSyntax> Tokens = MoeItem(MoeItemKind.Tokens, "tokens");

    private static readonly Parser<MoeItemSyntax> Experts = CountedMoeItem(MoeItemKind.Experts, "experts");

    private static readonly Parser<MoeItemSyntax> Shared = CountedMoeItem(MoeItemKind.Shared, "shared");

    private static readonly Parser<MoeItemSyntax> Item = Predict(place => place.Token.Text switch
    {
        _ when place.Kind != TokenKind.Name => MissingMoeItem,
        "router" => Router,
        "tokens" => Tokens,
        "experts" => Experts,
        "shared" => Shared,
        _ => MissingMoeItem,
    });

    private static Parser<MoeItemSyntax> MissingMoeItem => Expected<MoeItemSyntax>("'router', 'experts', 'shared' or 'tokens'");

    private static readonly Parser<DeclarationSyntax> Moe =
        from word in Word("moe")
        from name in Identifier
        from signature in TypeGrammar.Signature
        from body in Recovery.Braced(Item, "before the items of the moe", $"'{name.Text}'")
        select new MoeSyntax(name, signature.Inputs, signature.Arguments, signature.Results, body.Items, word.Doc, Span.Between(word.Span, body.End));

    // preset Nano of Ling { vocab: 256; }

    private static readonly Parser<Name> PresetName =
        Accept("the preset's name", token => IsFreeName(token) || (token.Kind is TokenKind.DigitWord or TokenKind.Number && token.Text.All(char.IsLetterOrDigit)))
            .Select(token => new Name(token.Text, token.Span));

    private static readonly Parser<SettingSyntax> Setting =
        from name in Named("the name of an argument")
        from colon in Symbol(TokenKind.Colon, "':' after the argument's name")
        from value in Expression
        from end in Semicolon("the value")
        select new SettingSyntax(name, value, Span.Between(name.Span, end));

    private static readonly Parser<DeclarationSyntax> Preset =
        from word in Word("preset")
        from name in PresetName
        from model in Target
        from body in Recovery.Braced(Setting, "before the values", $"preset '{name.Text}'")
        select new PresetSyntax(name, model, body.Items, word.Doc, Span.Between(word.Span, body.End));

    // checkpoint Name of Ling { layers[i].qkv = "layers.{i}.qkv"; }

    private static readonly Parser<Func<Operand, Operand>> PathMember =
        from dot in Symbol(TokenKind.Dot, "'.'")
        from name in AnyWord
        select new Func<Operand, Operand>(path => Operand.Of(new MemberSyntax(path.Node, name, Span.Between(path.Outer, name.Span)), [path]));

    private static readonly Parser<ExpressionSyntax> PathVariable = Named("an index").Select(name => new NameSyntax(name.Text, name.Span));

    private static readonly Parser<Func<Operand, Operand>> PathIndex =
        from open in Symbol(TokenKind.OpenBracket, "'['")
        from index in Predict(place => place.Kind == TokenKind.Number ? NumberLiteral : PathVariable)
        from close in Symbol(TokenKind.CloseBracket, "']' after the index")
        select new Func<Operand, Operand>(path => Operand.Of(new IndexSyntax(path.Node, [index], Span.Between(path.Outer, close.Span)), [path]));

    private static readonly Parser<ExpressionSyntax> Path = Named("the path of a parameter")
        .Select(name => Operand.Leaf(new NameSyntax(name.Text, name.Span)))
        .FollowedBy(
            place => place.Kind switch
            {
                TokenKind.Dot => PathMember,
                TokenKind.OpenBracket => PathIndex,
                _ => null,
            },
            path => path.IsTooTall)
        .Select(path => path.Node);

    private static readonly Parser<CheckpointItemSyntax> Mapping =
        from path in Path
        from equal in Symbol(TokenKind.Equal, "'=' after the path")
        from target in Accept("the tensor's name in quotes", token => token.Kind == TokenKind.String)
        from end in Semicolon("the tensor's name")
        select (CheckpointItemSyntax)new MappingSyntax(path, target.Text, Span.Between(path.Span, end));

    private static readonly Parser<ConfigKeySyntax> ConfigKey =
        from key in StringLiteral
        from equal in Symbol(TokenKind.Equal, "'=' after the key")
        from value in Expression
        select new ConfigKeySyntax(key.Text, value, Span.Between(key.Span, value.Span));

    private static readonly Parser<ConfigKeySyntax> OtherConfigKey =
        from word in Word("or")
        from key in ConfigKey
        select key;

    private static readonly Parser<string> ConfigPresence = Predict(place => place.Token.Text switch
    {
        "optional" when place.Kind == TokenKind.Name => Word("optional").Select(w => w.Text),
        "written" when place.Kind == TokenKind.Name => Word("written").Select(w => w.Text),
        _ => Sprache.Parse.Return(""),
    });

    private static readonly Parser<ExpressionSyntax?> ConfigCondition = Predict(place => place.Token.Is("when")
        ? from word in Word("when")
          from condition in Expression
          select (ExpressionSyntax?)condition
        : Sprache.Parse.Return<ExpressionSyntax?>(null));

    private static readonly Parser<CheckpointItemSyntax> Config =
        from word in Word("config")
        from first in ConfigKey
        from others in OtherConfigKey.Until(place => !place.Token.Is("or"))
        from presence in ConfigPresence
        from condition in ConfigCondition
        from end in Semicolon("the value")
        select (CheckpointItemSyntax)new ConfigSyntax(
            new[] { first }.Concat(others).ToEquatableArray(), presence, condition, Span.Between(word.Span, end));

    private static readonly Parser<CheckpointItemSyntax> CheckpointItem =
        Predict(place => place.Token.Is("config") && place.Next.Kind == TokenKind.String ? Config : Mapping);

    private static readonly Parser<DeclarationSyntax> Checkpoint =
        from word in Word("checkpoint")
        from name in Identifier
        from model in Target
        from body in Recovery.Braced(CheckpointItem, "before the mappings", $"checkpoint '{name.Text}'")
        select new CheckpointSyntax(name, model, body.Items, word.Doc, Span.Between(word.Span, body.End));

    // train Name of Ling { schedule constant(warmup: 2000); }

    private static readonly Parser<DirectiveSyntax> Directive =
        from name in Named("a setting")
        from values in Expression.Until(place => place.Kind is TokenKind.Semicolon or TokenKind.CloseBrace || Recovery.StartsStatement(place))
        from end in Semicolon("the setting")
        select new DirectiveSyntax(name, values, Span.Between(name.Span, end));

    private static readonly Parser<DeclarationSyntax> Train =
        from word in Word("train")
        from name in Identifier
        from model in Target
        from body in Recovery.Braced(Directive, "before the settings", $"train '{name.Text}'")
        select new TrainSyntax(name, model, body.Items, word.Doc, Span.Between(word.Span, body.End));

    // diffusion Name(x: [N, d]) { score kernel(data); sampler dpm++2m(steps: 12); train { noise: lognormal(-1.2, 1.2); } }

    private static readonly Parser<SyntaxNode> SamplerLine =
        from name in Named("a setting")
        from first in SamplerExpression
        from others in SamplerExpression.Until(place => place.Kind is TokenKind.Semicolon or TokenKind.CloseBrace || Recovery.StartsStatement(place))
        from end in Semicolon("the sampler")
        select (SyntaxNode)new DirectiveSyntax(name, new[] { first }.Concat(others).ToEquatableArray(), Span.Between(name.Span, end));

    private static readonly Parser<SyntaxNode> Training =
        from word in Word("train")
        from body in Recovery.Braced(Setting, "before the settings", "'train'")
        select (SyntaxNode)new DiffusionTrainSyntax(body.Items, Span.Between(word.Span, body.End));

    private static readonly Parser<SyntaxNode> DirectiveLine = Directive.Select(directive => (SyntaxNode)directive);

    private static readonly Parser<SyntaxNode> DiffusionItem = Predict(place => place.Token.Text switch
    {
        "sampler" when place.Kind == TokenKind.Name => SamplerLine,
        "train" when place.Kind == TokenKind.Name => Training,
        _ => DirectiveLine,
    });

    private static readonly Parser<DeclarationSyntax> Diffusion =
        from word in Word("diffusion")
        from name in Identifier
        from signature in TypeGrammar.Signature
        from body in Recovery.Braced(DiffusionItem, "before the settings", $"diffusion '{name.Text}'")
        select new DiffusionSyntax(name, signature.Inputs, signature.Arguments, signature.Results, body.Items, word.Doc, Span.Between(word.Span, body.End));

    public static Parser<DeclarationSyntax> Declaration { get; } = Predict(place => place.Token.Text switch
    {
        _ when place.Kind != TokenKind.Name => MissingDeclaration,
        "block" or "function" or "router" or "model" => Block,
        "moe" => Moe,
        "preset" => Preset,
        "checkpoint" => Checkpoint,
        "train" => Train,
        "diffusion" => Diffusion,
        _ => MissingDeclaration,
    });

    private static Parser<DeclarationSyntax> MissingDeclaration
        => ExpectedWord<DeclarationSyntax>("a declaration", Recovery.Declarations);

    private static Parser<MoeItemSyntax> MoeItem(MoeItemKind kind, string keyword) =>
        from word in Word(keyword)
        from value in Expression
        from end in Semicolon($"'{keyword}'")
        select new MoeItemSyntax(kind, null, value, Span.Between(word.Span, end));

    private static Parser<MoeItemSyntax> CountedMoeItem(MoeItemKind kind, string keyword) =>
        from word in Word(keyword)
        from count in Expression
        from of in Word("of", "'of' and a block after the count")
        from value in Expression
        from end in Semicolon("the block")
        select new MoeItemSyntax(kind, count, value, Span.Between(word.Span, end));

    /// <summary>What stands in the braces of a declaration that starts with this word, or null where it is unknown. Its value is of no use.</summary>
    public static Parser<Span>? BodyOf(Token word) => word.Text switch
    {
        _ when word.Kind != TokenKind.Name => null,
        "block" or "function" or "router" or "model" => BodyOf(StatementGrammar.Statement),
        "moe" => BodyOf(Item),
        "preset" => BodyOf(Setting),
        "checkpoint" => BodyOf(CheckpointItem),
        "train" => BodyOf(Directive),
        "diffusion" => BodyOf(DiffusionItem),
        _ => null,
    };

    private static Parser<Span> BodyOf<T>(Parser<T> item) => Recovery.Braced(item, "", "the declaration").Select(body => body.End);

    private static BlockKind KindOf(string word) => word switch
    {
        "function" => BlockKind.Function,
        "router" => BlockKind.Router,
        "model" => BlockKind.Model,
        _ => BlockKind.Block,
    };
}
